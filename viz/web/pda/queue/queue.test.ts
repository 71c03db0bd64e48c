import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it } from "vitest";
import type { ScanAnswer, ScanResult } from "@shared/api/types";
import { RETRY_DELAY_MS_MIN } from "./backoff";
import { type LinkState, PostFailure, Sender } from "./sender";
import { ANSWERED_KEPT_MAX, ASIDE_KEPT_MAX, type Batch, BATCH_SCANS_MAX, type ScanDraft, ScanStore } from "./store";

const BORN_MS = Date.UTC(2026, 10, 23, 6);
let databases = 0;
let store: ScanStore;

beforeEach(async () => {
  databases += 1;
  store = await ScanStore.open(BORN_MS, `queue-${databases}`);
});

function aScan(number: number, person_id = "person-a"): ScanDraft {
  const observed_at = new Date(BORN_MS + number * 1000).toISOString();
  const where = { place_code: "A01-07-3", symbology: "]C1", task_id: null };
  return { scan_id: `scan-${number}`, person_id, observed_at, code: `code-${number}`, ...where };
}

let keys = 0;
function newKey(): string {
  keys += 1;
  return `key-${keys}`;
}

async function keep(count: number, person_id?: string): Promise<void> {
  for (let number = 1; number <= count; number += 1) await store.keep(aScan(number, person_id));
}

function accepted(batch: Batch, outcome: ScanResult["outcome"] = "done"): ScanAnswer {
  const results = batch.scans.map(({ sequence }) => ({ sequence, outcome, key: null, facts: {}, task: null }));
  return { acked_through: { boot: batch.boot, sequence: results.at(-1)?.sequence ?? 0 }, results };
}

describe("ScanStore", () => {
  it("numbers scans without a gap, also when they arrive at once", async () => {
    const kept = await Promise.all(Array.from({ length: 20 }, (_, index) => store.keep(aScan(index))));
    expect(kept.map((scan) => scan.sequence)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it("keeps boot and sequence when the page is opened again", async () => {
    await keep(2);
    store.close();
    const again = await ScanStore.open(BORN_MS + 9_000_000, `queue-${databases}`);
    expect(again.boot).toBe(BORN_MS / 1000);
    expect((await again.keep(aScan(3))).sequence).toBe(3);
  });

  it("gives the same batch under the same key until it is answered", async () => {
    await keep(3);
    const first = await store.nextBatch("person-a", newKey());
    await store.keep(aScan(4));
    expect(await store.nextBatch("person-a", newKey())).toEqual(first);
    expect(first?.scans).toHaveLength(3);
  });

  it("sends no more than the maximum at once", async () => {
    await keep(BATCH_SCANS_MAX + 1);
    expect((await store.nextBatch("person-a", newKey()))?.scans).toHaveLength(BATCH_SCANS_MAX);
  });

  it("frees scans that the answer left out for another batch under another key", async () => {
    await keep(2);
    const batch = (await store.nextBatch("person-a", newKey())) as Batch;
    await store.answer(batch, accepted(batch).results.slice(0, 1));
    const next = await store.nextBatch("person-a", newKey());
    expect(next?.scans.map((scan) => scan.sequence)).toEqual([2]);
    expect(next?.key).not.toBe(batch.key);
  });

  it("never sends one person's scans in another person's name", async () => {
    await keep(1, "person-b");
    expect(await store.nextBatch("person-a", newKey())).toBeNull();
    expect(await store.pending()).toHaveLength(1);
  });

  it("keeps refused scans until they are read, and forgets old finished ones", async () => {
    await keep(ANSWERED_KEPT_MAX + 10);
    let isFirst = true;
    for (let batch = await store.nextBatch("person-a", newKey()); batch; batch = await store.nextBatch("person-a", newKey())) {
      await store.answer(batch, accepted(batch, isFirst ? "refused" : "done").results);
      isFirst = false;
    }
    expect(await store.unreadRefusals()).toHaveLength(BATCH_SCANS_MAX);
    await store.markRead(1);
    expect(await store.unreadRefusals()).toHaveLength(BATCH_SCANS_MAX - 1);
    expect((await store.exportAll()).scans.length).toBe(ANSWERED_KEPT_MAX + 10);
  });

  it("keeps a scan with its place that was only noted until somebody has read so", async () => {
    await keep(1);
    await store.keep({ ...aScan(2), place_code: null });
    const batch = await store.nextBatch("person-a", newKey());
    await store.answer(batch!, accepted(batch!, "noted").results);
    expect(await store.unreadNotes()).toMatchObject([{ sequence: 1, state: "noted" }]);
    await store.markRead(1);
    expect(await store.unreadNotes()).toEqual([]);
  });

  it("exports what was set aside too, the newest up to the maximum", async () => {
    const scan = { observed_at: "2026-11-23T06:00:00Z", person_id: "person-a", reason: "fragment" } as const;
    for (let number = 0; number <= ASIDE_KEPT_MAX; number += 1) await store.setAside({ ...scan, text: `${number}` });
    const { aside } = await store.exportAll();
    expect(aside).toHaveLength(ASIDE_KEPT_MAX);
    expect(aside[0]).toMatchObject({ text: "1", reason: "fragment" });
  });
});

/** A server that stores each sequence once, and a clock that runs only when told. */
class World {
  readonly stored: number[] = [];
  readonly links: LinkState[] = [];
  readonly delays: number[] = [];
  failure: PostFailure | null = null;
  badSequence = 0;
  isLockFree = true;
  isSilent = false;
  requests = 0;
  private due: (() => void) | null = null;

  readonly sender = new Sender({
    store,
    personId: () => "person-a",
    newKey,
    post: (batch) => this.post(batch),
    alone: async (work) => {
      if (this.isLockFree) await work();
      return this.isLockFree;
    },
    after: (delayMs, run) => {
      this.delays.push(delayMs);
      this.due = run;
      return () => {
        this.due = null;
      };
    },
    onAnswer: () => undefined,
    onLink: (link) => this.links.push(link),
  });

  get isTimerSet(): boolean {
    return this.due !== null;
  }

  async runTimer(): Promise<void> {
    const run = this.due;
    this.due = null;
    run?.();
    await this.sender.kick("timer");
  }

  private post(batch: Batch): Promise<ScanAnswer> {
    this.requests += 1;
    if (this.failure !== null) return Promise.reject(this.failure);
    if (batch.scans.some((scan) => scan.sequence === this.badSequence)) {
      return Promise.reject(new PostFailure("refused", "scan.malformed", { field: "code" }));
    }
    if (this.isSilent) return Promise.resolve({ ...accepted(batch), results: [] });
    this.stored.push(...batch.scans.map((scan) => scan.sequence));
    return Promise.resolve(accepted(batch));
  }
}

describe("Sender", () => {
  it("delivers scans in order, each once, and leaves no timer behind", async () => {
    const world = new World();
    await keep(60);
    await world.sender.kick("scan");
    expect(world.stored).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    expect(world.isTimerSet).toBe(false);
    expect(world.links.at(-1)).toBe("idle");
  });

  it("delivers twenty scans made while the server was away once it is back, by the timer alone", async () => {
    const world = new World();
    world.failure = new PostFailure("away", "unavailable");
    for (let number = 1; number <= 20; number += 1) {
      await store.keep(aScan(number));
      await world.sender.kick("scan");
    }
    expect(world.delays.at(-1)).toBe(RETRY_DELAY_MS_MIN);
    world.failure = null;
    await world.runTimer();
    expect(world.stored).toHaveLength(20);
    expect(await store.pending()).toEqual([]);
  });

  it("waits longer after each failed timer try only", async () => {
    const world = new World();
    world.failure = new PostFailure("away", "unavailable");
    await keep(1);
    await world.sender.kick("scan");
    world.sender.stop();
    const before = world.delays.length;
    await world.sender.kick("timer");
    await world.sender.kick("timer");
    await world.sender.kick("online");
    expect(world.delays.slice(before)).toEqual([2 * RETRY_DELAY_MS_MIN, 4 * RETRY_DELAY_MS_MIN, RETRY_DELAY_MS_MIN]);
  });

  it("finds the one bad scan of a batch, marks it refused and delivers the others", async () => {
    const world = new World();
    world.badSequence = 2;
    await keep(3);
    await world.sender.kick("scan");
    expect(world.stored).toEqual([1, 3]);
    expect(await store.unreadRefusals()).toMatchObject([{ sequence: 2, key: "scan.malformed" }]);
  });

  it("keeps everything and says so when the session has ended", async () => {
    const world = new World();
    world.failure = new PostFailure("signed_out", "session.ended");
    await keep(2);
    await world.sender.kick("scan");
    expect(world.links.at(-1)).toBe("signed_out");
    expect(await store.pending()).toHaveLength(2);
  });

  it("asks once per try when the answer leaves scans out", async () => {
    const world = new World();
    world.isSilent = true;
    await keep(2);
    await world.sender.kick("scan");
    expect(world.requests).toBe(1);
    expect(world.links.at(-1)).toBe("away");
    expect(await store.pending()).toHaveLength(2);
  });

  it("leaves sending to the other window that is at it, and looks again later", async () => {
    const world = new World();
    world.isLockFree = false;
    await keep(1);
    await world.sender.kick("scan");
    expect(world.requests).toBe(0);
    expect(world.isTimerSet).toBe(true);
  });

  it("tries once more for a scan that came while it was sending", async () => {
    const world = new World();
    await keep(1);
    const sending = world.sender.kick("scan");
    await store.keep(aScan(2));
    await Promise.all([sending, world.sender.kick("scan")]);
    expect(world.stored).toEqual([1, 2]);
  });
});
