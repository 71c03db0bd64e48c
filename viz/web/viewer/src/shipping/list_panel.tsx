/** One list of the page: its newest rows, the older ones on demand, and what to do while it is empty. */
import { useWords } from "@shared/react/page";
import { Blank, Loading, Problem } from "@shared/react/parts";
import { useEffect, type ReactNode } from "react";
import { usePages } from "../desk/pages";

/** How often the lists are read anew, in milliseconds. */
const READ_EVERY_MS = 5_000;

export interface TableProps {
  /** The site's. */
  path: string;
  /** Changes when the list should be read again at once. */
  version: number;
  onChanged: () => void;
}

interface ListPanelProps<T> extends TableProps {
  /** The list's name: of its route, and of its texts. */
  list: "deliveries" | "orders" | "visits" | "tares" | "releases";
  merge: (known: readonly T[], newer: readonly T[]) => T[];
  columns: readonly string[];
  row: (row: T) => ReactNode;
}

export function ListPanel<T>({ path, version, list, merge, columns, row }: ListPanelProps<T>) {
  const { t } = useWords();
  const { rows, failure, again, older } = usePages<T>(`${path}/${list}`, merge, READ_EVERY_MS);
  useEffect(again, [again, version]);
  return (
    <section className="th-panel" aria-labelledby={`${list}-list`} data-testid={list}>
      <header className="panel-head">
        <h3 id={`${list}-list`}>{t(`shipping.${list}.title`)}</h3>
        <span className="th-soft">{t(`shipping.${list}.sub`)}</span>
      </header>
      {failure !== null && <Problem error={failure} onRetry={again} />}
      {rows === null && failure === null && <Loading />}
      {rows?.length === 0 && (
        <Blank title={t(`shipping.${list}.none`)}>
          <p>{t(`shipping.${list}.noneHow`)}</p>
        </Blank>
      )}
      {rows !== null && rows.length > 0 && (
        <table className="desk-table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">{column}</th>
              ))}
            </tr>
          </thead>
          <tbody>{rows.map(row)}</tbody>
        </table>
      )}
      {older !== null && (
        <button type="button" className="th-button older" disabled={older.isBusy} onClick={older.read}>
          {t("devices.older")}
        </button>
      )}
    </section>
  );
}

/** Newest first by a moment, each once, as it was told last. */
export function newestFirst<T>(id: (row: T) => string, at: (row: T) => string) {
  return (known: readonly T[], newer: readonly T[]): T[] => {
    const byId = new Map([...known, ...newer].map((row) => [id(row), row]));
    return [...byId.values()].sort((a, b) => at(b).localeCompare(at(a)));
  };
}
