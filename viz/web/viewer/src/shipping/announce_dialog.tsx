/** An advance shipping notice: one lot of one item on one vehicle, pallet by pallet. */
import { isTag, RULE_TAG, ssccOfTag } from "@shared/codes/epc";
import { hasRightCheckDigit } from "@shared/codes/gs1";
import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { Field } from "../desk/field";
import { faultsIn, isBlank, numberOf, type Line } from "../desk/lines";
import { LinesEditor } from "../desk/lines_editor";
import { sayRule } from "../desk/rules";
import type { ShippingDialogProps } from "./dialogs";
import { ItemField, OwnerField } from "./goods_fields";
import { isComplete, NO_VEHICLE, VehicleFields } from "./vehicle_fields";

const WIDTH_PX = 760;
const G_PER_KG = 1000;
const LOT_CODE_LENGTH_MAX = 60;
const SSCC_LENGTH = 18;

/** A code without the blanks that people group it by. */
function codeIn(line: Line, name: string): string {
  return (line[name] ?? "").replace(/\s/g, "");
}

/** The rule, as the server states it, that a pallet's SSCC or tag breaks; null for a sound one. */
function brokenCodeRule(name: string, line: Line): string | null {
  const [sscc, tag] = [codeIn(line, "sscc"), codeIn(line, "epc_hex")];
  if (name === "sscc") return sscc.length === SSCC_LENGTH && hasRightCheckDigit(sscc) ? null : "18 digits with a right check digit";
  if (!isTag(tag)) return RULE_TAG;
  const told = ssccOfTag(tag);
  return told === null || told === sscc ? null : "the tag of the pallet's own SSCC";
}

/** A pallet as the server takes it: in grams. */
export function palletOf(line: Line): object {
  return {
    sscc: codeIn(line, "sscc"),
    epc_hex: codeIn(line, "epc_hex"),
    quantity_each: numberOf(line["quantity_each"]),
    expected_mass_g: Math.round(numberOf(line["expected_mass_g"]) * G_PER_KG),
  };
}

export function AnnounceDialog({ path, ...rest }: ShippingDialogProps) {
  const { t, locale } = useWords();
  const [owner, setOwner] = useState<string | null>(null);
  const [sku, setSku] = useState<string | null>(null);
  const [lotCode, setLotCode] = useState("");
  const [vehicle, setVehicle] = useState(NO_VEHICLE);
  const [lines, setLines] = useState<readonly Line[]>([]);
  const units = lines.filter((line) => !isBlank(line)).map(palletOf);
  const faults = faultsIn(lines, (name, text, line) => {
    if (name === "quantity_each") return Number.isInteger(numberOf(text)) ? null : t("shipping.rulePieces");
    if (name === "expected_mass_g") return Number.isNaN(numberOf(text)) ? t("shipping.ruleMass") : null;
    const broken = brokenCodeRule(name, line);
    return broken === null ? null : sayRule(broken, locale);
  });
  const isWhole = faults.length === 0 && owner !== null && sku !== null && lotCode.trim() !== "" && isComplete(vehicle) && units.length > 0;
  const body = isWhole ? { owner_party_id: owner, sku, lot_code: lotCode.trim(), vehicle, units } : null;
  return (
    <CommandDialog
      {...rest}
      title={t("shipping.do.announce")}
      path={`${path}/deliveries`}
      body={body}
      action={units.length === 0 ? t("shipping.announce") : t("shipping.announcePallets", { count: units.length })}
      width={WIDTH_PX}
    >
      <p>{t("shipping.announceHow")}</p>
      <div className="field-row">
        <OwnerField value={owner} onChange={setOwner} />
        <ItemField value={sku} onChange={setSku} />
      </div>
      <Field label={t("fields.lot_code")} name="lot_code" hint={t("shipping.lotCodeHint")}>
        <Input maxLength={LOT_CODE_LENGTH_MAX} value={lotCode} onChange={(event) => setLotCode(event.target.value)} />
      </Field>
      <VehicleFields path={path} value={vehicle} onChange={setVehicle} />
      <LinesEditor
        field="units"
        label={t("fields.units")}
        hint={t("shipping.palletsHint")}
        columns={[
          { name: "sscc", label: t("fields.sscc") },
          { name: "epc_hex", label: t("shipping.palletTag") },
          { name: "quantity_each", label: t("shipping.pieces"), isNumber: true },
          { name: "expected_mass_g", label: t("shipping.massKg"), isNumber: true },
        ]}
        lines={lines}
        faults={faults}
        onChange={setLines}
      />
    </CommandDialog>
  );
}
