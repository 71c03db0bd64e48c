/** A vehicle by its plate and the tag in its windscreen; of one that was here before the plate is enough. */
import type { Visit } from "@shared/api/types";
import { isVehicleTag } from "@shared/codes/epc";
import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useId } from "react";
import { Field } from "../desk/field";
import { useList } from "../desk/list";

export interface Vehicle {
  plate: string;
  epc_hex: string;
}

const EPC_HEX_LENGTH = 24;

export const NO_VEHICLE: Vehicle = { plate: "", epc_hex: "" };

export function isComplete(vehicle: Vehicle): boolean {
  return vehicle.plate.trim() !== "" && isVehicleTag(vehicle.epc_hex);
}

interface VehicleFieldsProps {
  path: string;
  value: Vehicle;
  onChange: (vehicle: Vehicle) => void;
}

export function VehicleFields({ path, value, onChange }: VehicleFieldsProps) {
  const { t } = useWords();
  const { rows: visits } = useList<Visit>(`${path}/visits`);
  const id = useId();
  const isWrongTag = value.epc_hex.length === EPC_HEX_LENGTH && !isVehicleTag(value.epc_hex);
  const tagOf = new Map((visits ?? []).map((visit) => [visit.plate, visit.epc_hex]));
  return (
    <div className="field-row">
      <Field label={t("fields.plate")} name={["plate", "vehicle.plate"]} hint={t("shipping.plateHint")}>
        <Input
          list={id}
          value={value.plate}
          onChange={({ target: { value: plate } }) => onChange({ plate, epc_hex: tagOf.get(plate) ?? value.epc_hex })}
        />
      </Field>
      <datalist id={id}>
        {[...tagOf.keys()].map((plate) => (
          <option key={plate} value={plate} />
        ))}
      </datalist>
      <Field label={t("shipping.vehicleTag")} name={["epc_hex", "vehicle.epc_hex"]} hint={t("shipping.vehicleTagHint")} wrong={isWrongTag ? t("shipping.notVehicleTag") : undefined}>
        <Input className="th-mono" maxLength={EPC_HEX_LENGTH} value={value.epc_hex} onChange={(event) => onChange({ ...value, epc_hex: event.target.value.trim() })} />
      </Field>
    </div>
  );
}
