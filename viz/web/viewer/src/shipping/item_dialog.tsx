/** An item enters the catalogue: deliveries and orders name it, and its mass is what a weighing vouches by. */
import { isSku } from "@shared/codes/sku";
import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { Field } from "../desk/field";
import { numberOf } from "../desk/lines";
import type { ShippingDialogProps } from "./dialogs";

const G_PER_KG = 1000;
const FIELDS = ["sku", "name_zh", "name_en"] as const;

export function ItemDialog(props: ShippingDialogProps) {
  const { t } = useWords();
  const [given, setGiven] = useState({ sku: "", name_zh: "", name_en: "" });
  const [massKg, setMassKg] = useState("");
  const isMass = !Number.isNaN(numberOf(massKg));
  const isWhole = FIELDS.every((field) => given[field].trim() !== "") && isSku(given.sku) && isMass;
  const mustBe = (rule: string) => t("devices.mustBe", { rule: t(rule) });
  const isWrongSku = given.sku.trim() !== "" && !isSku(given.sku);
  const items = [{ ...given, unit_mass_g: Math.round(numberOf(massKg) * G_PER_KG) }];
  return (
    <CommandDialog {...props} title={t("shipping.do.item")} path="/skus" body={isWhole ? { items } : null} action={t("shipping.enter")}>
      {FIELDS.map((field) => (
        <Field key={field} label={t(`fields.${field}`)} name={`items.0.${field}`} wrong={field === "sku" && isWrongSku ? mustBe("shipping.ruleSku") : undefined}>
          <Input maxLength={120} value={given[field]} onChange={(event) => setGiven({ ...given, [field]: event.target.value })} />
        </Field>
      ))}
      <Field label={t("shipping.pieceMassKg")} name="items.0.unit_mass_g" hint={t("shipping.pieceMassHint")} wrong={massKg.trim() === "" || isMass ? undefined : mustBe("shipping.ruleMass")}>
        <Input inputMode="decimal" value={massKg} onChange={(event) => setMassKg(event.target.value)} />
      </Field>
    </CommandDialog>
  );
}
