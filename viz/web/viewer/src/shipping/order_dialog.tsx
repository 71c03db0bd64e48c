/** Goods are ordered out; the order is reviewed at once, and says why what does not flow. */
import type { FreeStock } from "@shared/api/types";
import { formatCount } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Problem } from "@shared/react/parts";
import { Input } from "antd";
import { useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { Field } from "../desk/field";
import { faultsIn, isBlank, numberOf, type Line } from "../desk/lines";
import { LinesEditor } from "../desk/lines_editor";
import { useList } from "../desk/list";
import { useSite } from "../state/site";
import type { ShippingDialogProps } from "./dialogs";
import { OwnerField, useItems } from "./goods_fields";

const WIDTH_PX = 640;
const REFERENCE_LENGTH_MAX = 60;
const CUSTOMER_LENGTH_MAX = 200;

export function OrderDialog({ path, ...rest }: ShippingDialogProps) {
  const { t, locale } = useWords();
  const { items, failure } = useItems();
  const { rows: free } = useList<FreeStock>(`${path}/free-stock`);
  const lots = useSite((state) => state.lots);
  const [reference, setReference] = useState("");
  const [customer, setCustomer] = useState("");
  const [owner, setOwner] = useState<string | null>(null);
  const [lines, setLines] = useState<readonly Line[]>([]);
  const idOfLot = new Map([...lots].map(([id, lot]) => [lot.code, id]));
  const wanted = lines
    .filter((line) => !isBlank(line))
    .map((line) => {
      const lot = (line["lot_id"] ?? "").trim();
      return { sku: line["sku"] ?? "", quantity_each: numberOf(line["quantity_each"]), lot_id: idOfLot.get(lot) ?? null };
    });
  const known = items && new Set(items.map((item) => item.value));
  const faults = faultsIn(lines, (name, text) => {
    if (name === "sku") return known === null || known.has(text.trim().toUpperCase()) ? null : t("shipping.ruleItem");
    if (name === "lot_id") return idOfLot.has(text.trim()) ? null : t("shipping.ruleLot");
    return Number.isInteger(numberOf(text)) ? null : t("shipping.rulePieces");
  });
  const freeOf = new Map<string, number>();
  for (const row of free ?? []) {
    if (owner === null || row.owner_party_id === owner) freeOf.set(row.sku, (freeOf.get(row.sku) ?? 0) + row.free_each);
  }
  const freeEach = (sku: string) => formatCount(freeOf.get(sku) ?? 0, locale);
  const choices = (items ?? []).map(({ value, label }) => ({ value, label: free === null ? label : `${label} · ${t("shipping.freeEach", { number: freeEach(value) })}` }));
  const named = new Set(lines.map((line) => (line["sku"] ?? "").trim().toUpperCase()).filter((sku) => known?.has(sku)));
  const isWhole = reference.trim() !== "" && customer.trim() !== "" && wanted.length > 0 && faults.length === 0;
  return (
    <CommandDialog
      {...rest}
      title={t("shipping.do.order")}
      path={`${path}/orders`}
      body={isWhole ? { reference, customer, owner_party_id: owner, lines: wanted } : null}
      action={t("shipping.place")}
      width={WIDTH_PX}
    >
      <div className="field-row">
        <Field label={t("fields.reference")} name="reference" hint={t("shipping.referenceHint")}>
          <Input maxLength={REFERENCE_LENGTH_MAX} value={reference} onChange={(event) => setReference(event.target.value)} />
        </Field>
        <Field label={t("fields.customer")} name="customer">
          <Input maxLength={CUSTOMER_LENGTH_MAX} value={customer} onChange={(event) => setCustomer(event.target.value)} />
        </Field>
      </div>
      {failure !== null && <Problem error={failure} />}
      <LinesEditor
        field="lines"
        label={t("fields.lines")}
        hint={t("shipping.linesHint")}
        columns={[
          { name: "sku", label: t("fields.sku"), choices },
          { name: "quantity_each", label: t("shipping.pieces"), isNumber: true },
          { name: "lot_id", label: t("shipping.lotIfAny"), choices: [...lots.values()].map(({ code, owner_name }) => ({ value: code, label: owner_name })) },
        ]}
        lines={lines}
        faults={faults}
        onChange={setLines}
      />
      {free !== null && named.size > 0 && (
        <small>{t("shipping.freeHere", { items: [...named].map((sku) => `${sku} ${freeEach(sku)}`).join(" · ") })}</small>
      )}
      <OwnerField value={owner} onChange={setOwner} isOptional />
    </CommandDialog>
  );
}
