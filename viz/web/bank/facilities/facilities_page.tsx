/** All credit lines that the person's party lends or borrows on. */

import type { Facility } from "@shared/api/types";
import { formatShare } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { useLocation } from "wouter";
import { yuanText } from "../data/money";
import { facilitySite, sidesOf } from "../data/names";
import { useFacilities } from "../data/queries";
import { borrows, mayOpenFacility } from "../data/rights";
import { DialogButton } from "../parts/command_dialog";
import { type Column, DataTable, ExportButton } from "../parts/data_table";
import { Answer, MoneyShort, PageHead, Panel } from "../parts/parts";
import { useSignedIn } from "../parts/session";
import { EvidenceAge } from "./evidence_age";
import { FacilityState } from "./facility_state";
import { OpenDialog } from "./open_dialog";
import { UseBar } from "./use_bar";

export function FacilitiesPage() {
  const { t } = useWords();
  const session = useSignedIn();
  const query = useFacilities();
  const columns = useColumns();
  const [, go] = useLocation();
  return (
    <>
      <PageHead title={t("bank.facilities")} sub={t("bank.facilitiesSub")}>
        {mayOpenFacility(session) && <DialogButton text={t("bank.openLine")} kind="primary" dialog={(close) => <OpenDialog onClose={close} />} />}
      </PageHead>
      <Answer query={query}>
        {(facilities) => (
          <>
            <Totals facilities={facilities} />
            <Panel
              title={t("bank.allFacilities")}
              actions={<ExportButton name="facilities" columns={columns} rows={facilities} />}
            >
              <DataTable
                columns={columns}
                rows={facilities}
                rowKey={(facility) => facility.facility_id}
                empty={{ title: t("bank.noFacilities"), hint: t("bank.noFacilitiesHint") }}
                onOpen={(facility) => go(`/facilities/${facility.facility_id}`)}
                rowClass={(facility) => (facility.state === "frozen" ? "row-frozen" : "")}
              />
            </Panel>
          </>
        )}
      </Answer>
    </>
  );
}

function Totals({ facilities }: { facilities: readonly Facility[] }) {
  const { t } = useWords();
  const total = (amount: (facility: Facility) => number) => facilities.reduce((sum, one) => sum + amount(one), 0);
  const frozen = facilities.filter((facility) => facility.state === "frozen").length;
  return (
    <dl className="figures">
      <Figure name={t("bank.limit")} fen={total((facility) => facility.limit_fen)} />
      <Figure name={t("bank.drawn")} fen={total((facility) => facility.drawn_fen)} />
      <Figure name={t("bank.lendable")} fen={total((facility) => facility.lendable_fen)} />
      <Figure name={t("bank.available")} fen={total((facility) => facility.available_fen)} />
      <div data-alert={frozen > 0}>
        <dt>{t("bank.frozenCount")}</dt>
        <dd>{frozen}</dd>
      </div>
    </dl>
  );
}

/** One amount of a strip of amounts. */
export function Figure({ name, fen, note }: { name: string; fen: number; note?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <MoneyShort fen={fen} />
      </dd>
      {note && <dd className="note">{note}</dd>}
    </div>
  );
}

function useColumns(): Column<Facility>[] {
  const { t, locale } = useWords();
  const session = useSignedIn();
  const money = (key: string, title: string, fen: (facility: Facility) => number): Column<Facility> => ({
    key,
    title,
    isNumber: true,
    draw: (facility) => <MoneyShort fen={fen(facility)} currency={facility.currency} />,
    value: (facility) => yuanText(fen(facility)),
  });
  return [
    {
      key: "borrower",
      title: t(borrows(session) ? "bank.bank" : "bank.borrower"),
      draw: (facility) => (
        <a className="name" href={`#/facilities/${facility.facility_id}`}>
          {sidesOf(session, facility).other}
          <small>{facilitySite(facility, locale)}</small>
        </a>
      ),
      value: (facility) => sidesOf(session, facility).other,
    },
    { key: "site", title: t("bank.site"), isFileOnly: true, draw: () => null, value: (facility) => facilitySite(facility, locale) },
    {
      key: "state",
      title: t("bank.stateTitle"),
      draw: (facility) => <FacilityState facility={facility} />,
      value: (facility) => t(`bank.state.${facility.state}`),
    },
    money("limit", t("bank.limit"), (facility) => facility.limit_fen),
    money("drawn", t("bank.drawn"), (facility) => facility.drawn_fen),
    money("lendable", t("bank.lendable"), (facility) => facility.lendable_fen),
    money("available", t("bank.available"), (facility) => facility.available_fen),
    { key: "use", title: t("bank.use"), width: 130, draw: (facility) => <UseBar facility={facility} />, value: (facility) => facility.drawn_fen / Math.max(1, facility.limit_fen) },
    { key: "age", title: t("bank.evidenceAge"), draw: (facility) => <EvidenceAge facility={facility} />, value: (facility) => facility.freshness_age_h },
    { key: "rate", title: t("bank.rate"), isNumber: true, draw: (facility) => formatShare(facility.rate, locale), value: (facility) => facility.rate },
  ];
}
