/** An officer proposes to thaw: a reason, and evidence newer than the freeze that a second person can look at. */

import type { FacilityDetail, Witness } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";
import { Checkbox } from "antd";
import { useState } from "react";
import { CommandDialog } from "../parts/command_dialog";
import { isReason, ReasonField } from "../parts/reason_dialog";
import { isNewer, WitnessText } from "./witness";

export function ThawDialog({ facility, onClose }: { facility: FacilityDetail; onClose: () => void }) {
  const { t } = useWords();
  const [reason, setReason] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const isNothingPledged = facility.receipts.length === 0;
  const isComplete = isReason(reason) && (isNothingPledged || chosen.length > 0);
  return (
    <CommandDialog
      title={t("bank.proposeThaw")}
      path={`/facilities/${encodeURIComponent(facility.facility_id)}/thaws`}
      body={isComplete ? { reason: reason.trim(), evidence_ids: chosen } : null}
      action={t("bank.propose")}
      onClose={onClose}
    >
      <p>{t(isNothingPledged ? "bank.thawNothingPledged" : "bank.thawHow")}</p>
      <ReasonField reason={reason} onChange={setReason} />
      {!isNothingPledged && <Offered now={facility.thaw_evidence} chosen={chosen} onChoose={setChosen} />}
    </CommandDialog>
  );
}

interface OfferedProps {
  now: readonly Witness[];
  chosen: readonly string[];
  onChoose: (ids: readonly string[]) => void;
}

/**
 * What may be named. The list stands still while somebody reads it: what it shows stays good when newer evidence
 * follows, which comes in when asked for.
 */
function Offered({ now, chosen, onChoose }: OfferedProps) {
  const { t } = useWords();
  const [kept, setKept] = useState(now);
  const shown = kept.length === 0 ? now : kept;
  const refresh = () => {
    setKept(now);
    onChoose([]);
  };
  return (
    <fieldset className="field">
      <legend>{t("bank.newEvidence")}</legend>
      {shown.length === 0 ? (
        <p className="th-soft">{t("bank.noNewEvidence")}</p>
      ) : (
        <>
          <ChooseAll offered={shown} chosen={chosen} onChoose={onChoose} />
          <Checkbox.Group value={[...chosen]} onChange={onChoose} className="choices">
            {shown.map((seen) => (
              <Checkbox key={seen.observation_id} value={seen.observation_id}>
                <WitnessText seen={seen} />
              </Checkbox>
            ))}
          </Checkbox.Group>
        </>
      )}
      {isNewer(now, shown) && (
        <button type="button" className="th-button" data-kind="quiet" onClick={refresh}>
          <Icon name="refresh" />
          {t("bank.newerEvidence")}
        </button>
      )}
    </fieldset>
  );
}

function ChooseAll({ offered, chosen, onChoose }: { offered: readonly Witness[]; chosen: readonly string[]; onChoose: OfferedProps["onChoose"] }) {
  const { t } = useWords();
  const isAll = chosen.length === offered.length;
  return (
    <Checkbox
      checked={isAll}
      indeterminate={chosen.length > 0 && !isAll}
      onChange={() => onChoose(isAll ? [] : offered.map((seen) => seen.observation_id))}
    >
      {t("bank.allEvidence", { count: offered.length })}
    </Checkbox>
  );
}
