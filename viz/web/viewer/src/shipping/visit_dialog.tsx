/** A vehicle is expected: the gate lets it in by itself. */
import type { Visit } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Select } from "antd";
import { useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { Field } from "../desk/field";
import type { ShippingDialogProps } from "./dialogs";
import { isComplete, NO_VEHICLE, VehicleFields } from "./vehicle_fields";

const PURPOSES: readonly Visit["purpose"][] = ["pickup", "delivery"];

export function VisitDialog({ path, ...rest }: ShippingDialogProps) {
  const { t } = useWords();
  const [vehicle, setVehicle] = useState(NO_VEHICLE);
  const [purpose, setPurpose] = useState<Visit["purpose"]>("pickup");
  const body = isComplete(vehicle) ? { ...vehicle, purpose } : null;
  return (
    <CommandDialog {...rest} title={t("shipping.do.visit")} path={`${path}/visits`} body={body} action={t("shipping.expect")}>
      <p>{t("shipping.visitHow")}</p>
      <VehicleFields path={path} value={vehicle} onChange={setVehicle} />
      <Field label={t("shipping.purpose")} name="purpose">
        <Select
          value={purpose}
          onChange={setPurpose}
          options={PURPOSES.map((value) => ({ value, label: t(`shipping.purposes.${value}`) }))}
        />
      </Field>
    </CommandDialog>
  );
}
