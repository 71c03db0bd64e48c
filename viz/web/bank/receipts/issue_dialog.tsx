/** A keeper issues a receipt on a lot: only what is stated here binds a later holder, so nothing is left out. */

import type { Lot } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { IntervalBar } from "@shared/react/parts";
import { Input, Select } from "antd";
import { useState } from "react";
import { parseYuan } from "../data/money";
import { itemName } from "../data/names";
import { seenFirst, useLots } from "../data/queries";
import { CommandDialog, Field } from "../parts/command_dialog";
import { useSignedIn } from "../parts/session";

const TEXT_LENGTH_MAX = 2_000;
const STATED = ["loss_standard", "insurance", "fee_terms"] as const;
const OPTIONAL = ["quality", "package", "marks"] as const;
type Terms = Record<(typeof STATED)[number] | (typeof OPTIONAL)[number] | "storage_until" | "lien", string>;
const NOTHING: Terms = { loss_standard: "", insurance: "", fee_terms: "", quality: "", package: "", marks: "", storage_until: "", lien: "" };

export function IssueDialog({ onClose }: { onClose: () => void }) {
  const { t, locale } = useWords();
  const lots = useLots(useSignedIn().sites).data ?? [];
  const [lotId, setLotId] = useState<string | null>(null);
  const [terms, setTerms] = useState(NOTHING);
  const lot = lots.find((known) => known.lot_id === lotId);
  const set = (name: keyof Terms) => (event: { target: { value: string } }) => setTerms({ ...terms, [name]: event.target.value });
  const text = (name: (typeof STATED)[number] | (typeof OPTIONAL)[number]) => (
    <Field key={name} label={t(`bank.${name}`)}>
      <Input maxLength={TEXT_LENGTH_MAX} value={terms[name]} onChange={set(name)} />
    </Field>
  );
  return (
    <CommandDialog title={t("bank.issue")} path="/receipts" body={bodyOf(lot, terms)} action={t("bank.issue")} onClose={onClose}>
      <Field label={t("bank.lot")} wrong={lot?.verified.low === 0 ? t("bank.nothingVerified") : undefined}>
        <Select
          showSearch={{ optionFilterProp: "label" }}
          {...(lotId === null ? {} : { value: lotId })}
          onChange={setLotId}
          options={seenFirst(lots).map((known) => ({ value: known.lot_id, label: `${known.code} · ${itemName(known, locale)} · ${known.owner_name}` }))}
          notFoundContent={t("bank.noLots")}
        />
      </Field>
      {lot && <IntervalBar value={lot.verified} claimed={lot.book.units} unit={t("bank.palletUnit")} />}
      <Field label={t("bank.storedUntil")} wrong={isPast(terms.storage_until) ? t("bank.storedPast") : undefined}>
        <Input type="date" value={terms.storage_until} onChange={set("storage_until")} />
      </Field>
      {STATED.map((name) => text(name))}
      <details className="more">
        <summary>{t("bank.moreElements")}</summary>
        {OPTIONAL.map((name) => text(name))}
        <Field label={t("bank.lien")} hint={t("bank.lienHint")} wrong={lienOf(terms) === null ? t("bank.notAnAmount") : undefined}>
          <Input value={terms.lien} inputMode="decimal" prefix="¥" onChange={set("lien")} />
        </Field>
      </details>
    </CommandDialog>
  );
}

/** True for a day, `2026-11-23`, that has begun already; an empty field is no day yet. */
function isPast(day: string): boolean {
  return day !== "" && Date.parse(day) <= Date.now();
}

/** The keeper's lien in fen; 0 for none stated, null for what is no amount. */
function lienOf(terms: Terms): number | null {
  return terms.lien.trim() === "" ? 0 : parseYuan(terms.lien);
}

/** The receipt to be issued; null while an element is missing. A lot that no sensor vouches for carries none. */
function bodyOf(lot: Lot | undefined, terms: Terms) {
  const { lien: _typed, ...stated } = terms;
  const lien_fen = lienOf(terms);
  const isStated = [...STATED, "storage_until" as const].every((name) => stated[name].trim() !== "");
  if (lot === undefined || lot.verified.low === 0 || !isStated || isPast(stated.storage_until) || lien_fen === null) return null;
  return { lot_id: lot.lot_id, unit_ids: null, depositor_party_id: lot.owner_party_id, lien_fen, ...stated };
}
