/** An officer proposes to thaw: a reason, and evidence newer than the freeze that a second person can look at. */

import type { Evidence, FacilityDetail } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Age } from "@shared/react/parts";
import { Checkbox, Input } from "antd";
import { useState } from "react";
import { useEvidences } from "../data/evidence";
import { CommandDialog, Field } from "../parts/command_dialog";

const REASON_LENGTH_MIN = 10;
const REASON_LENGTH_MAX = 500;

/** Newest pieces of evidence offered. */
const OFFERED_MAX = 12;

type Seen = Evidence["units"][number]["reasons"][number];

export function ThawDialog({ facility, onClose }: { facility: FacilityDetail; onClose: () => void }) {
  const { t } = useWords();
  const [reason, setReason] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const offered = useOffered(facility);
  const isComplete = reason.trim().length >= REASON_LENGTH_MIN && chosen.length > 0;
  return (
    <CommandDialog
      title={t("bank.proposeThaw")}
      path={`/facilities/${encodeURIComponent(facility.facility_id)}/thaws`}
      body={isComplete ? { reason: reason.trim(), evidence_ids: chosen } : null}
      action={t("bank.propose")}
      onClose={onClose}
    >
      <p>{t("bank.thawHow")}</p>
      <Field label={t("bank.reason")} hint={t("bank.reasonHint", { count: REASON_LENGTH_MIN })}>
        <Input.TextArea rows={3} maxLength={REASON_LENGTH_MAX} value={reason} onChange={(event) => setReason(event.target.value)} />
      </Field>
      <fieldset className="field">
        <legend>{t("bank.newEvidence")}</legend>
        {offered.length === 0 && <p className="th-soft">{t("bank.noNewEvidence")}</p>}
        <Checkbox.Group value={[...chosen]} onChange={setChosen} className="choices">
          {offered.map((seen) => (
            <Checkbox key={seen.observation_id} value={seen.observation_id}>
              {t(`modality.${seen.modality}`)} · <Age at={seen.at} /> <small className="th-mono">{seen.observation_id}</small>
            </Checkbox>
          ))}
        </Checkbox.Group>
      </fieldset>
    </CommandDialog>
  );
}

/** What sensors saw of the pledged lots after the freeze, newest first. */
function useOffered(facility: FacilityDetail): Seen[] {
  const lots = [...new Set(facility.receipts.map((receipt) => receipt.lot_id))];
  const since = facility.frozen?.at ?? "";
  return newerThan(useEvidences(lots), since);
}

/** Each observation once, newest first. Exported for its test. */
export function newerThan(evidences: readonly Evidence[], since: string): Seen[] {
  const seen = new Map<string, Seen>();
  for (const reason of evidences.flatMap((evidence) => evidence.units).flatMap((unit) => unit.reasons)) {
    if (Date.parse(reason.at) > Date.parse(since)) seen.set(reason.observation_id, reason);
  }
  return [...seen.values()].sort((a, b) => b.at.localeCompare(a.at)).slice(0, OFFERED_MAX);
}

