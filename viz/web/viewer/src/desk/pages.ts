import { api } from "@shared/api/client";
import type { ListOf } from "@shared/api/types";
import { useCallback, useEffect, useState } from "react";
import { usePolled } from "./polled";

/** Rows read in one go. */
const PAGE_ROWS = 50;

export interface Pages<T> {
  /** Null before the first answer. */
  rows: readonly T[] | null;
  failure: unknown;
  again: () => void;
  /** Null when nothing older is left. */
  older: { read: () => void; isBusy: boolean } | null;
}

/** The newest page of a list, read again and again, and the older ones that were asked for. `merge` is stable. */
export function usePages<T>(path: string, merge: (known: readonly T[], newer: readonly T[]) => T[], everyMs: number): Pages<T> {
  const [rows, setRows] = useState<readonly T[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [olderFailure, setOlderFailure] = useState<unknown>(null);
  const [isBusy, setIsBusy] = useState(false);
  const read = useCallback(
    (signal?: AbortSignal, after: string | null = null) =>
      api.get<ListOf<T>>(path, { query: { limit: PAGE_ROWS, cursor: after }, ...(signal && { signal }) }),
    [path],
  );
  const { value: newest, failure, again } = usePolled(read, everyMs);

  useEffect(() => {
    if (newest === null) return;
    setRows((known) => merge(known ?? [], newest.items));
    setCursor((known) => known ?? newest.next_cursor);
  }, [newest, merge]);

  async function readOlder() {
    setIsBusy(true);
    try {
      const answer = await read(undefined, cursor);
      setRows((known) => merge(known ?? [], answer.items));
      setCursor(answer.next_cursor);
      setOlderFailure(null);
    } catch (error) {
      setOlderFailure(error);
    } finally {
      setIsBusy(false);
    }
  }

  const older = cursor === null ? null : { read: () => void readOlder(), isBusy };
  return { rows, failure: failure ?? olderFailure, again, older };
}
