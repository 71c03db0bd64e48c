/** A table that can be sorted, exported and read on paper. */

import { useWords } from "@shared/react/page";
import { Blank, Icon } from "@shared/react/parts";
import { Table } from "antd";
import type { ReactNode } from "react";
import { type Cell, csvOf, saveFile } from "../data/csv";

/** Rows of one page of a long table. */
const PAGE_ROWS = 50;

export interface Column<Row> {
  readonly key: string;
  /** Empty for a column of buttons, which is neither sorted nor exported. */
  readonly title: string;
  readonly draw: (row: Row) => ReactNode;
  /** What the file holds, and what rows are sorted by. Amounts as decimal text, moments as ISO text. */
  readonly value: (row: Row) => Cell;
  readonly isNumber?: boolean;
  /** True for what the file has and the page shows in another way. */
  readonly isFileOnly?: boolean;
  readonly width?: number;
}

interface Props<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly empty: { readonly title: string; readonly hint?: string };
  readonly onOpen?: (row: Row) => void;
  readonly rowClass?: (row: Row) => string;
  readonly detail?: (row: Row) => ReactNode;
}

export function DataTable<Row extends object>({ columns, rows, rowKey, empty, onOpen, rowClass, detail }: Props<Row>) {
  if (rows.length === 0) return <Blank title={empty.title}>{empty.hint}</Blank>;
  return (
    <Table<Row>
      size="small"
      dataSource={rows}
      rowKey={rowKey}
      columns={columns.filter((column) => !column.isFileOnly).map((column) => antColumn(column))}
      pagination={rows.length > PAGE_ROWS && { pageSize: PAGE_ROWS, showSizeChanger: false, size: "small" }}
      scroll={{ x: "max-content" }}
      {...(rowClass ? { rowClassName: rowClass } : {})}
      {...(detail ? { expandable: { expandedRowRender: detail } } : {})}
      {...(onOpen ? { onRow: (row: Row) => ({ onClick: () => onOpen(row), className: "opens" }) } : {})}
    />
  );
}

function antColumn<Row extends object>(column: Column<Row>) {
  return {
    key: column.key,
    title: column.title,
    render: (_: unknown, row: Row) => column.draw(row),
    // What can be done in a row stays in sight where the table is wider than the page.
    ...(column.title === ""
      ? { fixed: "right" as const }
      : { sorter: (a: Row, b: Row) => compare(column.value(a), column.value(b)) }),
    ...(column.isNumber ? { align: "right" as const } : {}),
    ...(column.width ? { width: column.width } : {}),
  };
}

/** Numbers and decimal texts by size, the rest by letter. */
export function compare(a: Cell, b: Cell): number {
  const [left, right] = [Number(a ?? Number.NaN), Number(b ?? Number.NaN)];
  if (!Number.isNaN(left) && !Number.isNaN(right) && a !== "" && b !== "") return left - right;
  return String(a ?? "").localeCompare(String(b ?? ""));
}

/** Saves what the table holds, all of it, not only the page that shows. */
export function ExportButton<Row>({ name, columns, rows }: { name: string; columns: readonly Column<Row>[]; rows: readonly Row[] }) {
  const { t } = useWords();
  const named = columns.filter((column) => column.title !== "");
  const heading = named.map((column) => column.title);
  const save = () => saveFile(`${name}.csv`, csvOf(heading, rows.map((row) => named.map((column) => column.value(row)))));
  return (
    <button type="button" className="th-button" data-kind="quiet" disabled={rows.length === 0} onClick={save}>
      <Icon name="download" />
      {t("common.export")}
    </button>
  );
}
