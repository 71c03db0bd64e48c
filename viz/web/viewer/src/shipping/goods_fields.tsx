/** Choosing an owner and an item by name, with what to do where there is none yet. */
import type { Party, Sku } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Problem } from "@shared/react/parts";
import { Select } from "antd";
import { Field } from "../desk/field";
import { useList } from "../desk/list";

interface ChoiceProps {
  value: string | null;
  onChange: (value: string | null) => void;
}

export function OwnerField({ value, onChange, isOptional = false }: ChoiceProps & { isOptional?: boolean }) {
  const { t } = useWords();
  const { rows: owners, failure } = useList<Party>("/owners");
  if (failure !== null) return <Problem error={failure} />;
  const hint = owners?.length === 0 ? t("shipping.noOwners") : t(isOptional ? "shipping.ownerHint" : "shipping.ownerIs");
  return (
    <Field label={t("fields.owner_party_id")} name="owner_party_id" hint={hint}>
      <Select
        showSearch={{ optionFilterProp: "label" }}
        allowClear={isOptional}
        loading={owners === null}
        value={value}
        onChange={(chosen) => onChange(chosen ?? null)}
        options={(owners ?? []).map((owner) => ({ value: owner.party_id, label: owner.name }))}
      />
    </Field>
  );
}

export function useItems(): { items: readonly { value: string; label: string; unitMassG: number }[] | null; failure: unknown } {
  const { locale } = useWords();
  const { rows, failure } = useList<Sku>("/skus");
  const nameOf = (sku: Sku) => (locale === "zh" ? sku.name_zh : sku.name_en);
  const items = rows?.map((sku) => ({ value: sku.sku, label: `${sku.sku} · ${nameOf(sku)}`, unitMassG: sku.unit_mass_g })) ?? null;
  return { items, failure };
}

export function ItemField({ value, onChange }: ChoiceProps) {
  const { t } = useWords();
  const { items, failure } = useItems();
  if (failure !== null) return <Problem error={failure} />;
  return (
    <Field label={t("fields.sku")} name="sku" hint={items?.length === 0 ? t("shipping.noItems") : undefined}>
      <Select showSearch={{ optionFilterProp: "label" }} loading={items === null} value={value} onChange={onChange} options={[...(items ?? [])]} />
    </Field>
  );
}
