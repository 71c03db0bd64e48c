/**
 * Empties the queue of scans without anybody pressing a button: after each scan, when the device comes online
 * or into view, and on a timer, because a server can come back without the device noticing.
 */

import type { ScanAnswer, ScanResult } from "@shared/api/types";
import { Backoff, type TryCause } from "./backoff";
import type { Batch, ScanStore } from "./store";

/** `away`: try again later. `signed_out`, `device_refused`: a person must act. `refused`: never will work. */
export type FailureKind = "away" | "signed_out" | "device_refused" | "refused";

/** Why a batch did not get through; thrown by the function that posts it. */
export class PostFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    readonly key: string,
    readonly facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(key);
    this.name = "PostFailure";
  }
}

/** What the status line shows. */
export type LinkState = "idle" | "sending" | "away" | "signed_out" | "device_refused";

export interface SenderPorts {
  readonly store: ScanStore;
  readonly personId: () => string | null;
  readonly newKey: () => string;
  readonly post: (batch: Batch) => Promise<ScanAnswer>;
  /** Runs `work` unless another window of this device is sending; answers whether it ran. */
  readonly alone: (work: () => Promise<void>) => Promise<boolean>;
  readonly after: (delayMs: number, run: () => void) => () => void;
  readonly onAnswer: (answer: ScanAnswer, batch: Batch) => void;
  readonly onLink: (link: LinkState) => void;
}

export class Sender {
  private readonly backoff = new Backoff();
  private cancelTimer: (() => void) | null = null;
  private current: Promise<void> | null = null;
  private nextCause: TryCause | null = null;
  /** While the line is cut, each try would flicker through `sending`; the last word stands until one succeeds. */
  private isAway = false;

  constructor(private readonly ports: SenderPorts) {}

  /** Tries now, or right after the try that is under way. Resolves when the queue has been tried. */
  kick(cause: TryCause): Promise<void> {
    this.cancelTimer?.();
    this.cancelTimer = null;
    if (this.current !== null) {
      this.nextCause = cause;
      return this.current;
    }
    this.current = this.tryUntilQuiet(cause).finally(() => {
      this.current = null;
    });
    return this.current;
  }

  stop(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private async tryUntilQuiet(first: TryCause): Promise<void> {
    for (let cause: TryCause | null = first; cause !== null; cause = this.takeNextCause()) {
      await this.tryOnce(cause);
    }
  }

  private takeNextCause(): TryCause | null {
    const cause = this.nextCause;
    this.nextCause = null;
    return cause;
  }

  private async tryOnce(cause: TryCause): Promise<void> {
    this.backoff.starting(cause);
    try {
      const hasRun = await this.ports.alone(() => this.sendAll());
      if (!hasRun) return this.retryLater();
      this.backoff.succeeded();
      this.isAway = false;
      this.ports.onLink("idle");
    } catch (failure) {
      this.fail(cause, failure instanceof PostFailure ? failure.kind : "away");
    }
  }

  private async sendAll(): Promise<void> {
    const { store, personId, newKey } = this.ports;
    for (;;) {
      const person = personId();
      const batch = person === null ? null : await store.nextBatch(person, newKey());
      if (batch === null) return;
      if (!this.isAway) this.ports.onLink("sending");
      await this.sendOne(batch);
    }
  }

  private async sendOne(batch: Batch): Promise<void> {
    try {
      const answer = await this.ports.post(batch);
      await this.ports.store.answer(batch, answer.results);
      this.ports.onAnswer(answer, batch);
      // Asking at once again would go round and round with a server that leaves scans out.
      if (answer.results.length < batch.scans.length) throw new PostFailure("away", "answer.incomplete");
    } catch (failure) {
      if (!(failure instanceof PostFailure) || failure.kind !== "refused") throw failure;
      await this.takeRefusal(batch, failure);
    }
  }

  /** A refusal of the whole request says nothing about which scan is bad, so each then goes alone. */
  private async takeRefusal(batch: Batch, failure: PostFailure): Promise<void> {
    const [scan] = batch.scans;
    if (batch.scans.length > 1 || scan === undefined) return this.ports.store.split(batch);
    const { key, facts } = failure;
    const results: ScanResult[] = [{ sequence: scan.sequence, outcome: "refused", key, facts, task: null }];
    await this.ports.store.answer(batch, results);
    const acked_through = { boot: batch.boot, sequence: scan.sequence };
    this.ports.onAnswer({ acked_through, results }, batch);
  }

  private fail(cause: TryCause, kind: FailureKind): void {
    this.backoff.failed(cause);
    this.isAway = true;
    this.ports.onLink(kind === "refused" ? "away" : kind);
    this.retryLater();
  }

  private retryLater(): void {
    this.cancelTimer?.();
    this.cancelTimer = this.ports.after(this.backoff.delayMs, () => void this.kick("timer"));
  }
}
