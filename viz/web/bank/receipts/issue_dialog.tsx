/** A keeper issues a receipt on a lot: only what is stated here binds a later holder, so nothing is left out. */

import type { Lot } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { IntervalBar } from "@shared/react/parts";
import { Input, Select } from "antd";
import { useState } from "react";
import { useLots } from "../data/queries";
import { CommandDialog, Field } from "../parts/command_dialog";
import { useSignedIn } from "../parts/session";

const TEXT_LENGTH_MAX = 2_000;
const TERMS = ["loss_standard", "insurance", "fee_terms"] as const;
type Terms = Record<(typeof TERMS)[number] | "storage_until", string>;

export function IssueDialog({ onClose }: { onClose: () => void }) {
  const { t } = useWords();
  const lots = useLots(useSignedIn().sites).data ?? [];
  const [lotId, setLotId] = useState<string | null>(null);
  const [terms, setTerms] = useState<Terms>({ loss_standard: "", insurance: "", fee_terms: "", storage_until: "" });
  const lot = lots.find((known) => known.lot_id === lotId);
  const set = (name: keyof Terms) => (event: { target: { value: string } }) => setTerms({ ...terms, [name]: event.target.value });
  return (
    <CommandDialog title={t("bank.issue")} path="/receipts" body={bodyOf(lot, terms)} action={t("bank.issue")} onClose={onClose}>
      <Field label={t("bank.lot")}>
        <Select
          {...(lotId === null ? {} : { value: lotId })}
          onChange={setLotId}
          options={lots.map((known) => ({ value: known.lot_id, label: `${known.lot_id} · ${known.name} · ${known.owner_name}` }))}
          notFoundContent={t("bank.noLots")}
        />
      </Field>
      {lot && <IntervalBar value={lot.verified} claimed={lot.book.units} />}
      <Field label={t("bank.storedUntil")}>
        <Input type="date" value={terms.storage_until} onChange={set("storage_until")} />
      </Field>
      {TERMS.map((name) => (
        <Field key={name} label={t(`bank.${name}`)}>
          <Input maxLength={TEXT_LENGTH_MAX} value={terms[name]} onChange={set(name)} />
        </Field>
      ))}
    </CommandDialog>
  );
}

function bodyOf(lot: Lot | undefined, terms: Terms) {
  const isStated = Object.values(terms).every((text) => text.trim() !== "");
  return lot && isStated ? { lot_id: lot.lot_id, unit_ids: null, depositor_party_id: lot.owner_party_id, ...terms } : null;
}
