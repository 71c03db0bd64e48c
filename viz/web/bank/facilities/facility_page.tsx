/** One credit line: what may be drawn and why, what it stands on, and what happened. */

import type { FacilityDetail, Margin } from "@shared/api/types";
import { formatMoney, formatShare } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Mark } from "@shared/react/parts";
import { facilitySite, sidesOf } from "../data/names";
import { useFacility } from "../data/queries";
import { mayFreeze, mayProposeDrawdown } from "../data/rights";
import { LoanTable } from "../loans/loan_table";
import { DialogButton } from "../parts/command_dialog";
import { Answer, History, PageHead, Panel } from "../parts/parts";
import { useSignedIn } from "../parts/session";
import { ReceiptTable } from "../receipts/receipt_table";
import { DrawdownDialog } from "./drawdown_dialog";
import { Drawdowns } from "./drawdowns";
import { ageText } from "./evidence_age";
import { Explained } from "./explained";
import { Figure } from "./facilities_page";
import { FreezeDialog } from "./freeze_dialog";
import { FrozenBanner } from "./frozen_banner";
import { FacilityState } from "./facility_state";
import { UseBar } from "./use_bar";
import { VouchingNote } from "./vouching_note";

export function FacilityPage({ facilityId }: { facilityId: string }) {
  const query = useFacility(facilityId);
  return <Answer query={query}>{(facility) => <FacilityView facility={facility} />}</Answer>;
}

function FacilityView({ facility }: { facility: FacilityDetail }) {
  const { t } = useWords();
  return (
    <>
      <FacilityHead facility={facility} />
      {facility.state === "frozen" && <FrozenBanner facility={facility} />}
      <VouchingNote facility={facility} />
      {facility.margin.state !== "ok" && <MarginNote margin={facility.margin} currency={facility.currency} />}
      <FacilityFigures facility={facility} />
      <div className="columns">
        <div>
          <Explained facility={facility} />
          <Drawdowns facility={facility} />
          <Panel title={t("bank.loans")}>
            <LoanTable loans={facility.loans} isNarrow />
          </Panel>
          <Panel title={t("bank.pledgedReceipts")}>
            <ReceiptTable receipts={facility.receipts} empty={{ title: t("bank.nothingPledged"), hint: t("bank.nothingPledgedHint") }} isNarrow />
          </Panel>
        </div>
        <Panel title={t("bank.whatHappened")}>
          <History entries={facility.history} group="facility" />
        </Panel>
      </div>
    </>
  );
}

/** The debt has come close to what the stock is worth, or above what would be lent on it today. */
function MarginNote({ margin, currency }: { margin: Margin; currency: string }) {
  const { t, locale } = useWords();
  const shortfall = formatMoney(margin.shortfall_fen, locale, currency);
  return (
    <p className="margin-note" role="alert" data-state={margin.state}>
      <Mark name={margin.state === "warning" ? "triangle" : "octagon"} />
      <b>{t(`bank.margin.${margin.state}`)}</b>
      {margin.shortfall_fen > 0 && <span>{t("bank.shortfall", { shortfall })}</span>}
    </p>
  );
}

function FacilityHead({ facility }: { facility: FacilityDetail }) {
  const { t, locale } = useWords();
  const session = useSignedIn();
  const terms = t("bank.terms", { bank: sidesOf(session, facility).own, site: facilitySite(facility, locale), rate: formatShare(facility.rate, locale) });
  return (
    <PageHead
      back={{ to: "/facilities", text: t("bank.facilities") }}
      title={
        <>
          {sidesOf(session, facility).other} <FacilityState facility={facility} />
        </>
      }
      sub={terms}
    >
      {mayFreeze(session, facility) && (
        <DialogButton
          text={t("bank.freeze")}
          isDanger
          dialog={(close) => <FreezeDialog facility={facility} onClose={close} />}
        />
      )}
      {mayProposeDrawdown(session, facility) && (
        <DialogButton
          text={t("bank.proposeDrawdown")}
          kind="primary"
          disabledWhy={facility.available_fen === 0 ? t("bank.nothingAvailable") : undefined}
          dialog={(close) => <DrawdownDialog facility={facility} onClose={close} />}
        />
      )}
    </PageHead>
  );
}

function FacilityFigures({ facility }: { facility: FacilityDetail }) {
  const { t } = useWords();
  const age = facility.freshness_age_h;
  return (
    <dl className="figures">
      <Figure name={t("bank.limit")} fen={facility.limit_fen} />
      <Figure name={t("bank.drawn")} fen={facility.drawn_fen} />
      <Figure
        name={t("bank.lendable")}
        fen={facility.lendable_fen}
        note={age === null ? t("bank.noEvidence") : t("bank.seenAgo", { age: ageText(age, t) })}
      />
      <Figure
        name={t("bank.available")}
        fen={facility.available_fen}
        {...(facility.state === "frozen" ? { note: t("bank.noneWhileFrozen") } : {})}
      />
      <div className="figure-wide">
        <dt>{t("bank.use")}</dt>
        <dd>
          <UseBar facility={facility} />
        </dd>
        <dd className="note">{t("bank.useLegend")}</dd>
      </div>
    </dl>
  );
}
