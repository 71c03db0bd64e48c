/** Drawdowns that were proposed: one person asks, another one of the bank agrees. */

import type { Drawdown, FacilityDetail } from "@shared/api/types";
import { formatDate, formatMoney } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Blank } from "@shared/react/parts";
import { useCommand } from "../data/queries";
import { drawdownApproval, mayRefuse } from "../data/rights";
import { DialogButton } from "../parts/command_dialog";
import { Money, Panel, StateTag, When, Who } from "../parts/parts";
import { ReasonDialog } from "../parts/reason_dialog";
import { Refusal } from "../parts/refusal";
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
          {drawdown.decided_by && (
            <>
              {" · "}
              {t(drawdown.state === "refused" ? "bank.refusedBy" : "bank.approvedBy")}{" "}
              <Who id={drawdown.decided_by} name={drawdown.decided_by_name} />
            </>
          )}
          {" · "}
          {t("bank.due", { date: formatDate(drawdown.maturity_date, locale) })}
        </p>
        {drawdown.reason && <p>{drawdown.reason}</p>}
        <p className="th-soft">
          <When at={drawdown.decided_at ?? drawdown.proposed_at} />
        </p>
      </div>
      {drawdown.state === "proposed" && <Decide drawdown={drawdown} facility={facility} />}
    </li>
  );
}

function Decide({ drawdown, facility }: { drawdown: Drawdown; facility: FacilityDetail }) {
  const { t, locale } = useWords();
  const session = useSignedIn();
  const path = `/drawdowns/${encodeURIComponent(drawdown.drawdown_id)}`;
  const approve = useCommand(`${path}/approve`);
  const approval = drawdownApproval(session, drawdown);
  const amount = formatMoney(drawdown.amount_fen, locale, facility.currency);
  return (
    <div className="row-action">
      {approval === "may" ? (
        <button
          type="button"
          className="th-button"
          data-kind="primary"
          disabled={approve.isPending || facility.state !== "open"}
          onClick={() => approve.mutate({})}
        >
          {t("bank.approveDrawdown", { amount })}
        </button>
      ) : (
        <span className="why-not">{t(`bank.approval.${approval}`)}</span>
      )}
      {mayRefuse(session) && <Refuse path={`${path}/refuse`} amount={amount} isOwn={approval === "own_proposal"} />}
      {facility.state === "frozen" && <span className="why-not">{t("bank.noneWhileFrozen")}</span>}
      {approve.isError && <Refusal error={approve.error} />}
    </div>
  );
}

function Refuse({ path, amount, isOwn }: { path: string; amount: string; isOwn: boolean }) {
  const { t } = useWords();
  const action = t(isOwn ? "bank.takeBack" : "bank.refuse");
  return (
    <DialogButton
      text={action}
      dialog={(close) => (
        <ReasonDialog
          title={t(isOwn ? "bank.takeBackDrawdown" : "bank.refuseDrawdown", { amount })}
          path={path}
          how={t("bank.refuseDrawdownHow")}
          action={action}
          onClose={close}
        />
      )}
    />
  );
}
