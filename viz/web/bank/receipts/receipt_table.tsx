/** Warehouse receipts, each with how much of it sensors vouch for. */

import type { Receipt } from "@shared/api/types";
import { formatCount, formatDate, formatMass } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { IntervalBar } from "@shared/react/parts";
import { useLocation } from "wouter";
import { useItems } from "../data/names";
import { type Column, DataTable } from "../parts/data_table";
import { StateTag } from "../parts/parts";

/** Columns that a facility's page has no room for; it says the same elsewhere. */
const WIDE_ONLY = new Set(["state", "depositor", "mass", "until"]);

interface Props {
  receipts: readonly Receipt[];
  /** What to say when there are none. */
  empty: { title: string; hint: string };
  isNarrow?: boolean;
}

export function ReceiptTable({ receipts, empty, isNarrow = false }: Props) {
  const [, go] = useLocation();
  const columns = useReceiptColumns();
  return (
    <DataTable
      columns={isNarrow ? columns.filter((column) => !WIDE_ONLY.has(column.key)) : columns}
      rows={receipts}
      rowKey={(receipt) => receipt.receipt_id}
      empty={empty}
      onOpen={(receipt) => go(`/receipts/${receipt.receipt_id}`)}
    />
  );
}

export function useReceiptColumns(): Column<Receipt>[] {
  const { t, locale } = useWords();
  const { nameOf } = useItems();
  return [
    {
      key: "number",
      title: t("bank.number"),
      draw: (receipt) => (
        <a className="name" href={`#/receipts/${receipt.receipt_id}`}>
          {receipt.number}
          <small>{receipt.keeper_name}</small>
        </a>
      ),
      value: (receipt) => receipt.number,
    },
    {
      key: "state",
      title: t("bank.stateTitle"),
      draw: (receipt) => <ReceiptState receipt={receipt} />,
      value: (receipt) => t(`bank.state.${receipt.state}`),
    },
    { key: "depositor", title: t("bank.depositor"), draw: (receipt) => receipt.depositor_name, value: (receipt) => receipt.depositor_name },
    {
      key: "goods",
      title: t("bank.goods"),
      draw: (receipt) => (
        <span className="name">
          {nameOf(receipt.sku) ?? receipt.goods}
          <small>{receipt.sku}</small>
        </span>
      ),
      value: (receipt) => receipt.goods,
    },
    {
      key: "units",
      title: t("bank.pallets"),
      isNumber: true,
      draw: (receipt) => formatCount(receipt.live_units, locale),
      value: (receipt) => receipt.live_units,
    },
    { key: "mass", title: t("bank.mass"), isNumber: true, draw: (receipt) => formatMass(receipt.mass_g, locale), value: (receipt) => receipt.mass_g / 1000 },
    {
      key: "verified",
      title: t("bank.verified"),
      width: 150,
      draw: (receipt) => <VerifiedBar receipt={receipt} />,
      value: (receipt) => receipt.verified?.low,
    },
    { key: "until", title: t("bank.storedUntil"), draw: (receipt) => formatDate(receipt.storage_until, locale), value: (receipt) => receipt.storage_until },
  ];
}

/** The state, and since when the receipt is over for this reader. */
function ReceiptState({ receipt }: { receipt: Receipt }) {
  const { locale } = useWords();
  const over = receipt.seen_until ?? receipt.closed_at;
  return (
    <span className="name">
      <StateTag state={receipt.state} />
      {over && <small>{formatDate(over, locale)}</small>}
    </span>
  );
}

/** What sensors vouch for of the goods that are still there. */
function VerifiedBar({ receipt }: { receipt: Receipt }) {
  if (receipt.verified === null || receipt.live_units === 0) return <span className="th-faint">–</span>;
  return <IntervalBar value={receipt.verified} claimed={receipt.live_units} />;
}
