import { describe, expect, it } from "vitest";
import { Backoff, RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN } from "./backoff";

function failTimer(backoff: Backoff, times: number): void {
  for (let count = 0; count < times; count += 1) {
    backoff.starting("timer");
    backoff.failed("timer");
  }
}

describe("Backoff", () => {
  it("doubles with each failed timer try", () => {
    const backoff = new Backoff();
    failTimer(backoff, 3);
    expect(backoff.delayMs).toBe(RETRY_DELAY_MS_MIN * 8);
  });

  it("never waits longer than the maximum", () => {
    const backoff = new Backoff();
    failTimer(backoff, 40);
    expect(backoff.delayMs).toBe(RETRY_DELAY_MS_MAX);
  });

  it("does not grow when tries started by scans fail", () => {
    const backoff = new Backoff();
    for (let scan = 0; scan < 20; scan += 1) {
      backoff.starting("scan");
      backoff.failed("scan");
    }
    expect(backoff.delayMs).toBe(RETRY_DELAY_MS_MIN);
  });

  it.each(["scan", "online", "visible", "start"] as const)("starts over on %s", (cause) => {
    const backoff = new Backoff();
    failTimer(backoff, 5);
    backoff.starting(cause);
    expect(backoff.delayMs).toBe(RETRY_DELAY_MS_MIN);
  });

  it("starts over after a try that got through", () => {
    const backoff = new Backoff();
    failTimer(backoff, 5);
    backoff.succeeded();
    expect(backoff.delayMs).toBe(RETRY_DELAY_MS_MIN);
  });
});
