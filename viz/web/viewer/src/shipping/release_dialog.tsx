/** What is picked for an order may leave, once: on this vehicle, through this gate, until then. */
import type { Order, Visit } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Blank, Loading, Problem } from "@shared/react/parts";
import { Input, Select } from "antd";
import { useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { Field } from "../desk/field";
import { numberOf } from "../desk/lines";
import { useList } from "../desk/list";
import { useSite } from "../state/site";

const VALID_MINUTES = "120";

interface ReleaseDialogProps {
  order: Order;
  site: string;
  title: string;
  action: string;
  onClose: () => void;
  onDone: () => void;
}

/** Vehicles that collect and whose stay has not ended, those that are inside first. */
export function vehiclesToLoad(visits: readonly Visit[]): Visit[] {
  const order: Partial<Record<Visit["state"], number>> = { admitted: 0, leaving: 1, expected: 2 };
  return visits.filter((visit) => visit.purpose === "pickup" && visit.state in order).sort((a, b) => order[a.state]! - order[b.state]!);
}

export function ReleaseDialog({ order, site, ...command }: ReleaseDialogProps) {
  const { t } = useWords();
  const gates = useSite((state) => state.frame!.layout.gates);
  const { rows: visits, failure } = useList<Visit>(`${site}/visits`);
  const [vehicle, setVehicle] = useState<string | null>(null);
  const [gate, setGate] = useState(gates.length === 1 ? gates[0]!.gate_id : null);
  const [minutes, setMinutes] = useState(VALID_MINUTES);
  const vehicles = vehiclesToLoad(visits ?? []);
  const body = vehicle === null || gate === null ? null : { vehicle_id: vehicle, gate_id: gate, valid_minutes: numberOf(minutes) };
  return (
    <CommandDialog {...command} path={`/orders/${encodeURIComponent(order.order_id)}/ship`} body={body}>
      <p>{t("shipping.releaseHow")}</p>
      {failure !== null && <Problem error={failure} />}
      {visits === null && failure === null && <Loading />}
      {visits !== null && vehicles.length === 0 && (
        <Blank title={t("shipping.noVehicle")}>
          <p>{t("shipping.noVehicleHow")}</p>
        </Blank>
      )}
      {vehicles.length > 0 && (
        <Field label={t("fields.vehicle_id")} name="vehicle_id">
          <Select
            value={vehicle}
            onChange={setVehicle}
            options={vehicles.map((visit) => ({
              value: visit.vehicle_id,
              label: `${visit.plate} · ${t(`states.visits.${visit.state}`)}`,
            }))}
          />
        </Field>
      )}
      <Field label={t("viewer.gate")} name="gate_id">
        <Select value={gate} onChange={setGate} options={gates.map(({ gate_id }) => ({ value: gate_id, label: gate_id }))} />
      </Field>
      <Field label={t("fields.valid_minutes")} name="valid_minutes">
        <Input inputMode="numeric" value={minutes} onChange={(event) => setMinutes(event.target.value)} />
      </Field>
    </CommandDialog>
  );
}
