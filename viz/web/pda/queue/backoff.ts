/**
 * When to try again. The wait grows only when a try that the timer started has failed; a scan, coming online
 * or coming into view starts over at the shortest wait. If scans made it grow, a busy picker in a dead corner
 * of the hall would push the next try ever further away while the queue fills.
 */

/** Wait before the first retry, in milliseconds. */
export const RETRY_DELAY_MS_MIN = 1_000;

/** Longest wait between retries, in milliseconds. The server can come back without any event on the device. */
export const RETRY_DELAY_MS_MAX = 30_000;

/** What started a try: `timer`, or one of the moments when waiting longer makes no sense. */
export type TryCause = "timer" | "scan" | "online" | "visible" | "start";

export class Backoff {
  private timerFailures = 0;

  /** Milliseconds to wait before the next timer try. */
  get delayMs(): number {
    return Math.min(RETRY_DELAY_MS_MIN * 2 ** this.timerFailures, RETRY_DELAY_MS_MAX);
  }

  /** Call before each try. */
  starting(cause: TryCause): void {
    if (cause !== "timer") this.timerFailures = 0;
  }

  /** Call when the try that `cause` started did not get through. */
  failed(cause: TryCause): void {
    if (cause === "timer" && this.delayMs < RETRY_DELAY_MS_MAX) this.timerFailures += 1;
  }

  /** Call when a try got through. */
  succeeded(): void {
    this.timerFailures = 0;
  }
}
