/** Why a facility is frozen: what which sensor saw and when, and the way back that two people go together. */

import type { AlarmEvidence, FacilityDetail, Thaw } from "@shared/api/types";
import { formatTime } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Age, Mark, Problem } from "@shared/react/parts";
import { useCommand } from "../data/queries";
import { mayProposeThaw, thawApproval } from "../data/rights";
import { DialogButton } from "../parts/command_dialog";
import { sentence, When, Who } from "../parts/parts";
import { useSignedIn } from "../parts/session";
import { inOrder, seenText } from "./seen_text";
import { ThawDialog } from "./thaw_dialog";

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
      <p className="frozen-means">{t("bank.frozenMeans")}</p>
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
        <li key={seen.observation_id}>
          {seen.at ? <time dateTime={seen.at}>{formatTime(seen.at, locale)}</time> : <span />}
          <span className="trail-mark">
            <Mark name="solid" />
          </span>
          <div>
            <b>{seenText(seen, t)}</b>
            <p>
              {seen.device_id}
              {count > 1 && <> · {t("bank.saidTimes", { count })}</>}
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

function ThawProposal({ thaw }: { thaw: Thaw }) {
  const { t } = useWords();
  const session = useSignedIn();
  const approve = useCommand(`/thaws/${encodeURIComponent(thaw.thaw_id)}/approve`);
  const approval = thawApproval(session, thaw);
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
        {approve.isError && <Problem error={approve.error} />}
      </div>
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
    </div>
  );
}
