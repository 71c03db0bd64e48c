/** The console's frame: who is signed in, where one can go, and the page that is open. */

import type { Session } from "@shared/api/types";
import type { IconName } from "@shared/icons";
import { Bar, Brand, LanguageSwitch, PageLinks, PersonMenu, ThemeSwitch } from "@shared/react/bar";
import { useWords } from "@shared/react/page";
import { Blank, Icon, Loading, Problem } from "@shared/react/parts";
import { ConfigProvider, type ThemeConfig } from "antd";
import { useEffect, useRef } from "react";
import { Link, Redirect, Route, Router, Switch, useLocation } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { AlarmsPage } from "./alarms/alarms_page";
import { useAlarms, useDevicesWaiting, useFacilities, useInspectedSites, usePrices, useSession, useTaresWaiting } from "./data/queries";
import { isReadOnly, mayIssue, priceApproval, seesDevices, seesFacilities, seesLedger, seesPrices, seesReceipts } from "./data/rights";
import { DevicesPage } from "./devices/devices_page";
import { FacilitiesPage } from "./facilities/facilities_page";
import { FacilityPage } from "./facilities/facility_page";
import { LedgerPage } from "./ledger/ledger_page";
import { LoansPage } from "./loans/loans_page";
import { SessionContext } from "./parts/session";
import { PricesPage } from "./prices/prices_page";
import { ReceiptPage } from "./receipts/receipt_page";
import { ReceiptsPage } from "./receipts/receipts_page";
import { StockPage } from "./stock/stock_page";

/** Tables are most of this page, so their text is as large as any other, with room to follow a row. */
const TABLES: ThemeConfig = {
  components: { Table: { cellFontSizeSM: 13, cellPaddingBlockSM: 8, cellPaddingInlineSM: 12 } },
};

export function Console() {
  return (
    <ConfigProvider theme={TABLES}>
      <WithSession />
    </ConfigProvider>
  );
}

function WithSession() {
  const session = useSession();
  if (session.isPending) return <Loading />;
  if (session.isError) return <Problem error={session.error} onRetry={() => void session.refetch()} />;
  return <SignedIn session={session.data} />;
}

function SignedIn({ session }: { session: Session }) {
  const { t } = useWords();
  return (
    <SessionContext value={session}>
      <Router hook={useHashLocation}>
        <a className="skip" href="#main-part" onClick={skipToMain}>
          {t("bank.skip")}
        </a>
        <Bar>
          <Brand href="#/" />
          <PageLinks session={session} here="bank" />
          <span className="th-bar-gap" />
          {isReadOnly(session) && <span className="read-only">{t("bank.readOnly")}</span>}
          <LanguageSwitch isSignedIn />
          <ThemeSwitch />
          <PersonMenu session={session} />
        </Bar>
        <div className="frame">
          <Rail session={session} />
          <main id="main-part" tabIndex={-1}>
            <Pages session={session} />
          </main>
        </div>
      </Router>
    </SessionContext>
  );
}

/** The address after # says which page is open, so a plain jump would leave it. */
function skipToMain(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById("main-part")?.focus();
}

function Pages({ session }: { session: Session }) {
  const { t } = useWords();
  const lends = seesFacilities(session);
  return (
    <Switch>
      {lends && <Route path="/facilities" component={FacilitiesPage} />}
      {lends && <Route path="/facilities/:id">{({ id }) => <FacilityPage key={id} facilityId={id} />}</Route>}
      {seesReceipts(session) && <Route path="/receipts" component={ReceiptsPage} />}
      {seesReceipts(session) && <Route path="/receipts/:id">{({ id }) => <ReceiptPage key={id} receiptId={id} />}</Route>}
      <Route path="/stock/:lot?">{({ lot }) => <StockPage lotId={lot ? decodeURIComponent(lot) : null} />}</Route>
      {lends && <Route path="/loans" component={LoansPage} />}
      <Route path="/prices" component={PricesPage} />
      <Route path="/ledger" component={LedgerPage} />
      <Route path="/alarms" component={AlarmsPage} />
      <Route path="/devices" component={DevicesPage} />
      <Route path="/">
        <Redirect to={lends ? "/facilities" : seesReceipts(session) ? "/receipts" : "/stock"} replace />
      </Route>
      <Route>
        <Blank title={t("bank.noPage")}>{t("bank.noPageWhy")}</Blank>
      </Route>
    </Switch>
  );
}

function Rail({ session }: { session: Session }) {
  const { t } = useWords();
  const facilities = useFacilities(seesFacilities(session));
  const alarms = useAlarms(session.sites);
  const frozen = facilities.data?.filter((facility) => facility.state === "frozen").length ?? 0;
  const prices = usePrices(seesPrices(session)).data ?? [];
  const waiting = prices.filter((price) => price.standing === "waiting" && priceApproval(session, price) === "may").length;
  const lends = seesFacilities(session);
  const looksAt = (useInspectedSites(seesDevices(session)).data ?? []).map((site) => site.site_id);
  const devicesWaiting = useDevicesWaiting(looksAt) + useTaresWaiting(looksAt);
  const [here] = useLocation();
  const rail = useRef<HTMLElement>(null);
  const marks = [frozen, waiting, alarms.data?.length ?? 0, devicesWaiting].map((count) => count > 0).join();
  // On a narrow page the rail is a strip that shows a part of itself; the marks that arrive move what is in it.
  useEffect(() => {
    rail.current?.querySelector("[aria-current]")?.scrollIntoView?.({ block: "nearest", inline: "center" });
  }, [here, marks]);
  return (
    <nav className="rail" ref={rail} aria-label={t("bank.sections")}>
      {lends && <RailLink to="/facilities" icon="lock" text={t("bank.facilities")} alert={frozen} />}
      {seesReceipts(session) && <RailLink to="/receipts" icon="list" text={t("bank.receipts")} />}
      <RailLink to="/stock" icon="pallet" text={t("bank.stock")} />
      {lends && <RailLink to="/loans" icon="clock" text={t("bank.loans")} />}
      {seesPrices(session) && <RailLink to="/prices" icon="yuan" text={t("bank.prices")} waiting={waiting} />}
      {seesLedger(session) && <RailLink to="/ledger" icon="scale" text={t("bank.ledger")} />}
      {!mayIssue(session) && <RailLink to="/alarms" icon="bell" text={t("bank.alarms")} alert={alarms.data?.length ?? 0} />}
      {seesDevices(session) && <RailLink to="/devices" icon="signal" text={t("bank.devices")} waiting={devicesWaiting} />}
    </nav>
  );
}

interface RailLinkProps {
  to: string;
  icon: IconName;
  text: string;
  /** How many things there are wrong. */
  alert?: number;
  /** How many things wait for this person. */
  waiting?: number;
}

function RailLink({ to, icon, text, alert = 0, waiting = 0 }: RailLinkProps) {
  const [here] = useLocation();
  const isHere = here === to || here.startsWith(`${to}/`);
  return (
    <Link to={to} aria-current={isHere ? "page" : undefined}>
      <Icon name={icon} />
      <span>{text}</span>
      {alert > 0 && <b>{alert}</b>}
      {waiting > 0 && <b data-kind="waiting">{waiting}</b>}
    </Link>
  );
}
