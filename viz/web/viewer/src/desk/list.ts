import { api } from "@shared/api/client";
import { useEffect, useState } from "react";

/** All rows of a list, read once for a dialog; null before the answer. */
export function useList<T>(path: string): { rows: readonly T[] | null; failure: unknown } {
  const [rows, setRows] = useState<readonly T[] | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    const stop = new AbortController();
    api
      .list<T>(path, { signal: stop.signal })
      .then(setRows)
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setFailure(error);
      });
    return () => stop.abort();
  }, [path]);
  return { rows, failure };
}
