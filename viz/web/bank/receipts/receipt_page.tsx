/** One receipt as a document: its elements, what sensors vouch for, who held it when. Prints on one sheet. */

import type { Receipt } from "@shared/api/types";
import { formatDate, formatMass, formatSscc } from "@shared/i18n/format";
import type { Translate } from "@shared/i18n/i18n";
import { useWords } from "@shared/react/page";
import { Icon, IntervalBar, Mark, ModalityAgeList } from "@shared/react/parts";
import { Link } from "wouter";
import { momentText } from "../data/moments";
import { useReceipt } from "../data/queries";
import { mayPledge, mayRelease, seesFacilities } from "../data/rights";
import { DialogButton } from "../parts/command_dialog";
import { Answer, History, Money, PageHead, Pairs, Panel, StateTag, When } from "../parts/parts";
import { useSignedIn } from "../parts/session";
import { PledgeDialog, ReleaseDialog } from "./pledge_dialog";

export function ReceiptPage({ receiptId }: { receiptId: string }) {
  const query = useReceipt(receiptId);
  return <Answer query={query}>{(receipt) => <ReceiptView receipt={receipt} />}</Answer>;
}

function ReceiptView({ receipt }: { receipt: Receipt }) {
  const { t } = useWords();
  return (
    <>
      <ReceiptHead receipt={receipt} />
      {receipt.seen_until === null ? <PledgeNote receipt={receipt} /> : <PastNote receipt={receipt} until={receipt.seen_until} />}
      <div className="columns">
        <div>
          <Elements receipt={receipt} />
          <Units receipt={receipt} />
        </div>
        <div>
          <Verified receipt={receipt} />
          <Panel title={t("bank.whoDidWhat")}>
            <History entries={receipt.history} group="receipt" />
          </Panel>
        </div>
      </div>
    </>
  );
}

function ReceiptHead({ receipt }: { receipt: Receipt }) {
  const { t } = useWords();
  const session = useSignedIn();
  return (
    <PageHead
      back={{ to: "/receipts", text: t("bank.receipts") }}
      title={
        <>
          {t("bank.receiptNumber", { number: receipt.number })} <StateTag state={receipt.state} />
        </>
      }
      sub={t("bank.receiptSub", { keeper: receipt.keeper_name, depositor: receipt.depositor_name })}
    >
      <button type="button" className="th-button" onClick={() => window.print()}>
        <Icon name="print" />
        {t("common.print")}
      </button>
      {mayPledge(session, receipt) && (
        <DialogButton text={t("bank.pledge")} kind="primary" dialog={(close) => <PledgeDialog receipt={receipt} onClose={close} />} />
      )}
      {mayRelease(session, receipt) && (
        <DialogButton text={t("bank.release")} dialog={(close) => <ReleaseDialog receipt={receipt} onClose={close} />} />
      )}
    </PageHead>
  );
}

function PledgeNote({ receipt }: { receipt: Receipt }) {
  const { t } = useWords();
  const session = useSignedIn();
  if (receipt.pledge === null) return null;
  return (
    <p className="pledge-note">
      <Mark name="diamond" color="--status-pledged" />
      <span>
        {t("bank.pledgedTo", { bank: receipt.controller_name })} · <When at={receipt.pledge.pledged_at} />
      </span>
      {seesFacilities(session) && (
        <Link to={`/facilities/${receipt.pledge.facility_id}`}>{t("bank.openFacility")}</Link>
      )}
    </p>
  );
}

/** The party held it once: from when to when, and that it is shown as it was then. */
function PastNote({ receipt, until }: { receipt: Receipt; until: string }) {
  const { t, locale } = useWords();
  const held = receipt.pledge && t("bank.heldFromTo", { from: momentText(receipt.pledge.pledged_at, locale), to: momentText(until, locale) });
  return (
    <p className="pledge-note">
      <Mark name="ring" />
      <span>
        {held ?? t("bank.heldUntil", { to: momentText(until, locale) })} {t("bank.notShownSince")}
      </span>
      {receipt.pledge && <Link to={`/facilities/${receipt.pledge.facility_id}`}>{t("bank.openFacility")}</Link>}
    </p>
  );
}

function Elements({ receipt }: { receipt: Receipt }) {
  const { t, locale } = useWords();
  return (
    <Panel title={t("bank.elements")} note={t("bank.elementsNote")}>
      <Pairs
        rows={[
          [t("bank.number"), receipt.number],
          [t("bank.issuedAt"), <When key="issued" at={receipt.issued_at} />],
          ...(receipt.closed_at === null ? [] : [[t("bank.closedAt"), <When key="closed" at={receipt.closed_at} />] as const]),
          [t("bank.keeper"), receipt.keeper_name],
          [t("bank.depositor"), receipt.depositor_name],
          [t("bank.controller"), receipt.controller_name],
          [t("bank.goods"), `${receipt.goods} (${receipt.sku})`],
          [t("bank.quantity"), t("bank.quantityWords", { pieces: receipt.quantity_each, count: receipt.unit_ids.length })],
          [t("bank.mass"), formatMass(receipt.mass_g, locale)],
          [t("bank.storedUntil"), formatDate(receipt.storage_until, locale)],
          [t("bank.loss_standard"), receipt.loss_standard],
          [t("bank.insurance"), receipt.insurance],
          [t("bank.fee_terms"), receipt.fee_terms],
          [t("bank.lien"), receipt.lien_fen > 0 ? <Money key="lien" fen={receipt.lien_fen} /> : t("common.none")],
          [t("bank.quality"), receipt.quality],
          [t("bank.package"), receipt.package],
          [t("bank.marks"), receipt.marks],
          [t("bank.place"), receipt.place],
        ]}
      />
    </Panel>
  );
}

function Units({ receipt }: { receipt: Receipt }) {
  const { t } = useWords();
  return (
    <Panel title={t("bank.unitsCovered")} note={unitsNote(receipt, t)}>
      <ul className="units" tabIndex={0} aria-label={t("bank.unitsCovered")}>
        {receipt.ssccs.map((sscc) => (
          <li key={sscc} className="th-mono">
            {formatSscc(sscc)}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** How many there are, and how many are still there when some have been delivered. */
function unitsNote(receipt: Receipt, t: Translate): string {
  const covered = receipt.unit_ids.length;
  if (receipt.live_units === covered) return t("bank.palletCount", { count: covered });
  return t("bank.palletsLeft", { count: receipt.live_units, covered });
}

function Verified({ receipt }: { receipt: Receipt }) {
  const { t } = useWords();
  const { verified } = receipt;
  if (receipt.seen_until !== null || receipt.state === "cancelled") return null;
  return (
    <Panel
      title={t("bank.verified")}
      actions={
        <Link to={`/stock/${encodeURIComponent(receipt.lot_id)}`} className="link">
          {t("bank.openEvidence")}
        </Link>
      }
    >
      <div className="verified">
        {verified === null ? (
          <p className="th-soft">{t("bank.noEvidence")}</p>
        ) : (
          <>
            <IntervalBar value={verified} claimed={receipt.live_units} unit={t("bank.palletUnit")} />
            <ModalityAgeList ages={verified.modalities} />
            {verified.as_of && (
              <p className="th-soft">
                {t("bank.asOf")} <When at={verified.as_of} />
              </p>
            )}
          </>
        )}
      </div>
    </Panel>
  );
}
