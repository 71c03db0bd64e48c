/** Lots: what the books claim beside what sensors vouch for, and the evidence of one lot at a time. */

import type { Lot } from "@shared/api/types";
import { formatCount, formatMass } from "@shared/i18n/format";
import { LOOKS } from "@shared/icons";
import { useWords } from "@shared/react/page";
import { Age, IntervalBar, Tag } from "@shared/react/parts";
import { useLocation } from "wouter";
import { itemName } from "../data/names";
import { seenFirst, useLots } from "../data/queries";
import { borrows } from "../data/rights";
import { type Column, DataTable, ExportButton } from "../parts/data_table";
import { Answer, PageHead, Panel } from "../parts/parts";
import { useSignedIn } from "../parts/session";
import { EvidencePanel } from "./evidence_panel";

export function StockPage({ lotId }: { lotId: string | null }) {
  const { t } = useWords();
  const query = useLots(useSignedIn().sites);
  const columns = useLotColumns();
  const [, go] = useLocation();
  return (
    <>
      <PageHead title={t("bank.stock")} sub={t("bank.stockSub")} />
      <div className={lotId === null ? "" : "columns columns-even"}>
        <Answer query={query}>
          {(lots) => (
            <Panel title={t("bank.lots")} actions={<ExportButton name="lots" columns={columns} rows={lots} />}>
              <DataTable
                columns={lotId === null ? columns : columns.filter((column) => SHORT.has(column.key))}
                rows={seenFirst(lots)}
                rowKey={(lot) => lot.lot_id}
                empty={{ title: t("bank.noLots"), hint: t("bank.noLotsHint") }}
                onOpen={(lot) => go(`/stock/${encodeURIComponent(lot.lot_id)}`)}
                rowClass={(lot) => (lot.lot_id === lotId ? "row-open" : "")}
              />
            </Panel>
          )}
        </Answer>
        {lotId !== null && (
          <EvidencePanel key={lotId} lotId={lotId} lot={query.data?.find((lot) => lot.lot_id === lotId)} />
        )}
      </div>
    </>
  );
}

/** Columns that stay while the evidence of a lot is open beside the table. */
const SHORT = new Set(["lot", "verified", "discrepancies"]);

function useLotColumns(): Column<Lot>[] {
  const { t, locale } = useWords();
  const session = useSignedIn();
  const agreeing = (lot: Lot) => Object.values(lot.modalities).filter((at) => at).length;
  const columns: Column<Lot>[] = [
    {
      key: "lot",
      title: t("bank.lot"),
      draw: (lot) => (
        <a className="name" href={`#/stock/${encodeURIComponent(lot.lot_id)}`}>
          {itemName(lot, locale)}
          <small>{lot.code}</small>
        </a>
      ),
      value: (lot) => lot.code,
    },
    { key: "owner", title: t("bank.owner"), draw: (lot) => lot.owner_name, value: (lot) => lot.owner_name },
    { key: "book", title: t("bank.bookUnits"), isNumber: true, isFileOnly: true, draw: (lot) => formatCount(lot.book.units, locale), value: (lot) => lot.book.units },
    { key: "verified", title: t("bank.verified"), width: 190, draw: (lot) => <IntervalBar value={lot.verified} claimed={lot.book.units} />, value: (lot) => lot.verified.low },
    { key: "mass", title: t("bank.mass"), isNumber: true, draw: (lot) => (lot.mass_g ? formatMass(lot.mass_g.mid, locale) : "–"), value: (lot) => (lot.mass_g?.mid ?? 0) / 1000 },
    { key: "modalities", title: t("bank.kindsAgreeing"), isNumber: true, draw: (lot) => agreeing(lot), value: agreeing },
    { key: "held", title: t("bank.heldUnits"), isNumber: true, draw: (lot) => (lot.held_units === 0 ? <span className="th-faint">–</span> : t("bank.palletCount", { count: lot.held_units })), value: (lot) => lot.held_units },
    {
      key: "discrepancies",
      title: t("bank.discrepancies"),
      draw: (lot) => (lot.discrepancies === 0 ? <span className="th-faint">0</span> : <Tag look={LOOKS.outcome.warning}>{lot.discrepancies}</Tag>),
      value: (lot) => lot.discrepancies,
    },
    { key: "as_of", title: t("bank.asOf"), draw: (lot) => <Age at={lot.as_of} />, value: (lot) => lot.as_of },
  ];
  return borrows(session) ? columns.filter((column) => column.key !== "owner") : columns;
}
