/** Drawdowns that were proposed: one person asks, another one of the bank agrees. */

import type { Drawdown, FacilityDetail } from "@shared/api/types";
import { formatDate, formatMoney } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Blank, Problem } from "@shared/react/parts";
import { useCommand } from "../data/queries";
import { drawdownApproval } from "../data/rights";
import { Money, Panel, StateTag, When, Who } from "../parts/parts";
import { useSignedIn } from "../parts/session";

export function Drawdowns({ facility }: { facility: FacilityDetail }) {
  const { t } = useWords();
  const waiting = facility.drawdowns.filter((drawdown) => drawdown.state === "proposed").length;
  return (
    <Panel title={t("bank.drawdowns")} note={waiting > 0 ? t("bank.waitingForApproval", { count: waiting }) : undefined}>
      {facility.drawdowns.length === 0 ? (
        <Blank title={t("bank.noDrawdowns")} />
      ) : (
        <ul className="rows">
          {facility.drawdowns.map((drawdown) => (
            <DrawdownRow key={drawdown.drawdown_id} drawdown={drawdown} facility={facility} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function DrawdownRow({ drawdown, facility }: { drawdown: Drawdown; facility: FacilityDetail }) {
  const { t, locale } = useWords();
  return (
    <li>
      <div>
        <b>
          <Money fen={drawdown.amount_fen} currency={facility.currency} />
        </b>{" "}
        <StateTag state={drawdown.state} />
        <p className="th-soft">
          {t("bank.proposedBy")} <Who id={drawdown.proposed_by} name={drawdown.proposed_by_name} />
          {drawdown.approved_by && (
            <>
              {" · "}
              {t("bank.approvedBy")} <Who id={drawdown.approved_by} name={drawdown.approved_by_name} />
            </>
          )}
          {drawdown.maturity_date && <> · {t("bank.due", { date: formatDate(drawdown.maturity_date, locale) })}</>}
        </p>
        {drawdown.proposed_at && (
          <p className="th-soft">
            <When at={drawdown.proposed_at} />
          </p>
        )}
      </div>
      {drawdown.state === "proposed" && <Approve drawdown={drawdown} facility={facility} />}
    </li>
  );
}

function Approve({ drawdown, facility }: { drawdown: Drawdown; facility: FacilityDetail }) {
  const { t, locale } = useWords();
  const session = useSignedIn();
  const approve = useCommand(`/drawdowns/${encodeURIComponent(drawdown.drawdown_id)}/approve`);
  const approval = drawdownApproval(session, drawdown);
  if (approval !== "may") return <span className="why-not">{t(`bank.approval.${approval}`)}</span>;
  const amount = formatMoney(drawdown.amount_fen, locale, facility.currency);
  return (
    <div className="row-action">
      <button
        type="button"
        className="th-button"
        data-kind="primary"
        disabled={approve.isPending || facility.state !== "open"}
        onClick={() => approve.mutate({})}
      >
        {t("bank.approveDrawdown", { amount })}
      </button>
      {facility.state === "frozen" && <span className="why-not">{t("bank.noneWhileFrozen")}</span>}
      {approve.isError && <Problem error={approve.error} />}
    </div>
  );
}
