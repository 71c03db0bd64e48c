/** A vehicle by its plate and the tag in its windscreen; of one that was here before the plate is enough. */
import type { Visit } from "@shared/api/types";
import { isTag, isVehicleTag, RULE_TAG } from "@shared/codes/epc";
import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useId, useState } from "react";
import { Field } from "../desk/field";
import { useList } from "../desk/list";
import { sayRule } from "../desk/rules";

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
  const { t, locale } = useWords();
  const { rows: visits } = useList<Visit>(`${path}/visits`);
  const id = useId();
  const [isTyping, setTyping] = useState(false);
  const wrongTag = () => {
    if (value.epc_hex === "" || isVehicleTag(value.epc_hex)) return undefined;
    if (isTag(value.epc_hex)) return t("shipping.notVehicleTag");
    return isTyping ? undefined : t("devices.mustBe", { rule: sayRule(RULE_TAG, locale) });
  };
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
      <Field label={t("shipping.vehicleTag")} name={["epc_hex", "vehicle.epc_hex"]} hint={t("shipping.vehicleTagHint")} wrong={wrongTag()}>
        <Input
          className="th-mono"
          maxLength={EPC_HEX_LENGTH}
          value={value.epc_hex}
          onChange={(event) => onChange({ ...value, epc_hex: event.target.value.trim() })}
          onFocus={() => setTyping(true)}
          onBlur={() => setTyping(false)}
        />
      </Field>
    </div>
  );
}
