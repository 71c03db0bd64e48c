import { useCallback, useEffect, useState } from "react";

export interface Polled<T> {
  /** The last answer, which stays while a later try fails; null before the first. */
  value: T | null;
  /** What the last try raised; null when it got through. */
  failure: unknown;
  again: () => void;
}

/** Reads at once, whenever `read` changes, and every `everyMs` milliseconds while the page is in view. */
export function usePolled<T>(read: (signal: AbortSignal) => Promise<T>, everyMs: number): Polled<T> {
  const [value, setValue] = useState<T | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  const again = useCallback(() => setAttempt((count) => count + 1), []);
  useEffect(() => {
    const stop = new AbortController();
    const once = async () => {
      try {
        const answer = await read(stop.signal);
        if (stop.signal.aborted) return;
        setValue(answer);
        setFailure(null);
      } catch (error) {
        if (!stop.signal.aborted) setFailure(error);
      }
    };
    void once();
    const timer = window.setInterval(() => {
      if (document.visibilityState === "visible") void once();
    }, everyMs);
    return () => {
      stop.abort();
      window.clearInterval(timer);
    };
  }, [read, everyMs, attempt]);
  return { value, failure, again };
}
