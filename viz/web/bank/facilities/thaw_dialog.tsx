/**
 * An officer proposes to thaw: a reason, evidence newer than the freeze that a second person can look at, and what
 * nobody will see again.
 */

import type { FacilityDetail, UnitLabel, Witness } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";
import { Checkbox } from "antd";
import { useState } from "react";
import { CommandDialog } from "../parts/command_dialog";
import { isReason, ReasonField } from "../parts/reason_dialog";
import { isNewer, palletsText, WitnessText } from "./witness";

/** Lines shown one by one; the others are named by "all" alone. */
const LISTED_MAX = 200;

export function ThawDialog({ facility, onClose }: { facility: FacilityDetail; onClose: () => void }) {
  const { t } = useWords();
  const [reason, setReason] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [lost, setLost] = useState<readonly string[]>([]);
  const isNothingPledged = facility.receipts.length === 0;
  const isComplete = isReason(reason) && (isNothingPledged || chosen.length + lost.length > 0);
  return (
    <CommandDialog
      title={t("bank.proposeThaw")}
      path={`/facilities/${encodeURIComponent(facility.facility_id)}/thaws`}
      body={isComplete ? { reason: reason.trim(), evidence_ids: chosen, lost_unit_ids: lost } : null}
      action={t("bank.propose")}
      onClose={onClose}
    >
      <p>{t(isNothingPledged ? "bank.thawNothingPledged" : "bank.thawHow")}</p>
      <ReasonField reason={reason} onChange={setReason} />
      {!isNothingPledged && <Offered now={facility.thaw_evidence} chosen={chosen} onChoose={setChosen} />}
      {facility.missing_units.length > 0 && <Missing units={facility.missing_units} lost={lost} onChoose={setLost} />}
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
          <ChooseAll
            text={t("bank.allEvidence", { count: shown.length })}
            offered={shown.map((seen) => seen.observation_id)}
            chosen={chosen}
            onChoose={onChoose}
          />
          <Checkbox.Group value={[...chosen]} onChange={onChoose} className="choices">
            {shown.slice(0, LISTED_MAX).map((seen) => (
              <Checkbox key={seen.observation_id} value={seen.observation_id}>
                <WitnessText seen={seen} />
              </Checkbox>
            ))}
          </Checkbox.Group>
          <More count={shown.length - LISTED_MAX} />
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

/** Pledged pallets that no sensor places on site: whoever proposes may give them up. */
function Missing({ units, lost, onChoose }: { units: readonly UnitLabel[]; lost: readonly string[]; onChoose: (ids: readonly string[]) => void }) {
  const { t } = useWords();
  return (
    <fieldset className="field">
      <legend>{t("bank.lostUnits")}</legend>
      <p className="th-soft">{t("bank.lostHow")}</p>
      <ChooseAll
        text={t("bank.allLost", { count: units.length })}
        offered={units.map((unit) => unit.unit_id)}
        chosen={lost}
        onChoose={onChoose}
      />
      <Checkbox.Group value={[...lost]} onChange={onChoose} className="choices">
        {units.slice(0, LISTED_MAX).map((unit) => (
          <Checkbox key={unit.unit_id} value={unit.unit_id}>
            {palletsText([unit.sscc], t)}
          </Checkbox>
        ))}
      </Checkbox.Group>
      <More count={units.length - LISTED_MAX} />
    </fieldset>
  );
}

function More({ count }: { count: number }) {
  const { t } = useWords();
  return count > 0 ? <p className="th-soft">{t("bank.moreEvidence", { count })}</p> : null;
}

interface ChooseAllProps {
  text: string;
  offered: readonly string[];
  chosen: readonly string[];
  onChoose: (ids: readonly string[]) => void;
}

function ChooseAll({ text, offered, chosen, onChoose }: ChooseAllProps) {
  const isAll = chosen.length === offered.length;
  return (
    <Checkbox checked={isAll} indeterminate={chosen.length > 0 && !isAll} onChange={() => onChoose(isAll ? [] : offered)}>
      {text}
    </Checkbox>
  );
}
