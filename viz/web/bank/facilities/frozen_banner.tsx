/** Why a facility is frozen: what which sensor saw and when, and the way back that two people go together. */

import type { AlarmEvidence, FacilityDetail, Thaw } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { useWords } from "@shared/react/page";
import { Age, Mark } from "@shared/react/parts";
import { inOrder, seenText } from "@shared/seen";
import { timeText } from "../data/moments";
import { useCommand } from "../data/queries";
import { mayProposeThaw, mayRefuse, thawApproval } from "../data/rights";
import { DialogButton } from "../parts/command_dialog";
import { sentence, When, Who } from "../parts/parts";
import { useSignedIn } from "../parts/session";
import { ReasonDialog } from "../parts/reason_dialog";
import { Refusal } from "../parts/refusal";
import { ThawDialog } from "./thaw_dialog";
import { palletsText, WitnessText } from "./witness";

export function FrozenBanner({ facility }: { facility: FacilityDetail }) {
  const { t } = useWords();
  const session = useSignedIn();
  const frozen = facility.frozen;
  if (frozen === null) return null;
  return (
    <section className="frozen" role="alert" data-testid="frozen-banner" aria-labelledby="frozen-title">
      <header>
        <Mark name="octagon" />
        <div>
          <h2 id="frozen-title">{t("bank.frozenTitle")}</h2>
          <p>{sentence(t, frozen.reason_key, frozen.facts)}</p>
          <p className="frozen-since">
            {t("bank.since")} <When at={frozen.at} />
          </p>
        </div>
        {mayProposeThaw(session, facility) && (
          <DialogButton
            text={t("bank.proposeThaw")}
            dialog={(close) => <ThawDialog facility={facility} onClose={close} />}
          />
        )}
      </header>
      <EvidenceTrail evidence={frozen.evidence} />
      {facility.thaw && <ThawProposal thaw={facility.thaw} />}
      <p className="frozen-means">{t(facility.receipts.length === 0 ? "bank.frozenMeansNothingPledged" : "bank.frozenMeans")}</p>
    </section>
  );
}

/** What the sensors reported, in the order in which it happened. */
export function EvidenceTrail({ evidence }: { evidence: readonly AlarmEvidence[] }) {
  const { t, locale } = useWords();
  if (evidence.length === 0) return <p className="th-soft">{t("bank.frozenByHand")}</p>;
  return (
    <ol className="trail">
      {inOrder(evidence).map(({ first: seen, count }) => (
        <li key={`${seen.observation_id} ${seen.summary}`}>
          {seen.at ? <time dateTime={seen.at}>{timeText(seen.at, locale)}</time> : <span />}
          <span className="trail-mark">
            <Mark name="solid" />
          </span>
          <div>
            <b>{seenText(seen, t)}</b>
            <p>
              {deviceName(seen.device_id, t)}
              {count > 1 && <> · {t("saw.times", { count })}</>}
              {seen.at && (
                <>
                  {" · "}
                  <Age at={seen.at} />
                </>
              )}
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}

/** What one person of the bank proposes and on which evidence; another one decides. */
function ThawProposal({ thaw }: { thaw: Thaw }) {
  const { t } = useWords();
  return (
    <div className="thaw">
      <Mark name="ring" />
      <div>
        <b>
          {t("bank.thawProposedBy")} <Who id={thaw.proposed_by} name={thaw.proposed_by_name} />
        </b>
        <p>{thaw.reason}</p>
        <p>
          <When at={thaw.proposed_at} />
        </p>
        {thaw.evidence.length > 0 && (
          <details>
            <summary>{t("bank.restsOn", { count: thaw.evidence.length })}</summary>
            <ul className="witnesses">
              {thaw.evidence.map((seen) => (
                <li key={seen.observation_id}>
                  <Mark name="solid" color="--evidence-verified" />
                  <WitnessText seen={seen} />
                </li>
              ))}
            </ul>
          </details>
        )}
        {thaw.lost.length > 0 && (
          <details open>
            <summary>{t("bank.givesUp", { count: thaw.lost.length })}</summary>
            <ul className="witnesses">
              {thaw.lost.map((unit) => (
                <li key={unit.unit_id}>{palletsText([unit.sscc], t)}</li>
              ))}
            </ul>
          </details>
        )}
        <ThawDecision thaw={thaw} />
      </div>
    </div>
  );
}

function ThawDecision({ thaw }: { thaw: Thaw }) {
  const { t } = useWords();
  const session = useSignedIn();
  const path = `/thaws/${encodeURIComponent(thaw.thaw_id)}`;
  const approve = useCommand(`${path}/approve`);
  const approval = thawApproval(session, thaw);
  const isOwn = approval === "own_proposal";
  return (
    <div className="thaw-decision">
      {approval === "may" && (
        <button
          type="button"
          className="th-button"
          data-kind="primary"
          disabled={approve.isPending}
          onClick={() => approve.mutate({})}
        >
          {t("bank.approveThaw")}
        </button>
      )}
      {approval !== "may" && <span className="why-not">{t(`bank.approval.${approval}`)}</span>}
      {mayRefuse(session) && (
        <DialogButton
          text={t(isOwn ? "bank.takeBack" : "bank.refuse")}
          dialog={(close) => (
            <ReasonDialog
              title={t(isOwn ? "bank.takeBackThaw" : "bank.refuseThaw")}
              path={`${path}/refuse`}
              how={t("bank.refuseThawHow")}
              action={t(isOwn ? "bank.takeBack" : "bank.refuse")}
              onClose={close}
            />
          )}
        />
      )}
      {approve.isError && <Refusal error={approve.error} />}
    </div>
  );
}
