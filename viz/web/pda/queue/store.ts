/**
 * The scans of this device, in IndexedDB: each is stored before the worker hears the beep and stays until the
 * server has answered it; refused ones stay after that, until somebody has read them.
 *
 * A scan is named by the device, `boot` and `sequence`. `boot` is the second in which this database was made,
 * so a handheld whose storage was wiped never uses a name twice. `sequence` grows by one with each scan and is
 * taken in the same transaction that stores it.
 */

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { ScanResult } from "@shared/api/types";
import type { AsideReason } from "../flow/flow";

/** Most scans sent in one request. */
export const BATCH_SCANS_MAX = 50;

/** Answered scans kept for the list of today's work. Refused ones that nobody has read do not count. */
export const ANSWERED_KEPT_MAX = 200;

/** Scans kept that were never meant for the server, the newest: unreadable, wrong, or only a question opened. */
export const ASIDE_KEPT_MAX = 500;

export type ScanState = "pending" | "done" | "noted" | "refused";

/** What the work screens know of a scan when they ask to keep it. */
export interface ScanDraft {
  readonly scan_id: string;
  readonly person_id: string;
  readonly observed_at: string;
  readonly code: string;
  readonly place_code: string | null;
  readonly symbology: string;
  readonly task_id: string | null;
}

export interface KeptScan extends ScanDraft {
  readonly boot: number;
  readonly sequence: number;
  readonly state: ScanState;
  /** Idempotency key of the request this scan goes with; the same scans go again under the same key. */
  readonly batch_key: string | null;
  /** Why it was refused, and the facts of the text. */
  readonly key: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly is_read: boolean;
}

export interface Batch {
  readonly key: string;
  readonly boot: number;
  readonly scans: readonly KeptScan[];
}

/** A scan that stays on the device, and why. */
export interface AsideScan {
  readonly id?: number;
  readonly observed_at: string;
  readonly person_id: string;
  readonly text: string;
  readonly reason: AsideReason;
}

/** Everything on the device, for export before a sign-out. */
export interface QueueExport {
  readonly boot: number;
  readonly scans: readonly KeptScan[];
  readonly aside: readonly AsideScan[];
}

interface QueueSchema extends DBSchema {
  scans: { key: number; value: KeptScan; indexes: { state: ScanState } };
  aside: { key: number; value: AsideScan };
  meta: { key: string; value: number };
}

export class ScanStore {
  private constructor(
    private readonly database: IDBPDatabase<QueueSchema>,
    readonly boot: number,
  ) {}

  /** Opens the queue; `nowMs` (Unix milliseconds) becomes the boot number when the database is new. */
  static async open(nowMs: number, name = "tallyhouse-pda-queue"): Promise<ScanStore> {
    const database = await openDB<QueueSchema>(name, 1, {
      upgrade(fresh) {
        fresh.createObjectStore("scans", { keyPath: "sequence" }).createIndex("state", "state");
        fresh.createObjectStore("aside", { keyPath: "id", autoIncrement: true });
        const meta = fresh.createObjectStore("meta");
        void meta.put(Math.floor(nowMs / 1000), "boot");
        void meta.put(0, "last_sequence");
      },
    });
    const boot = await database.get("meta", "boot");
    if (boot === undefined) throw new Error("the scan queue has no boot number");
    return new ScanStore(database, boot);
  }

  close(): void {
    this.database.close();
  }

  /** Stores a scan under the next sequence number. Resolves once it is on the disk. */
  async keep(draft: ScanDraft): Promise<KeptScan> {
    const change = this.database.transaction(["scans", "meta"], "readwrite", { durability: "strict" });
    const meta = change.objectStore("meta");
    const sequence = ((await meta.get("last_sequence")) ?? 0) + 1;
    const scan: KeptScan = { ...draft, ...UNANSWERED, boot: this.boot, sequence };
    await Promise.all([meta.put(sequence, "last_sequence"), change.objectStore("scans").add(scan), change.done]);
    return scan;
  }

  /**
   * The oldest scans of this person that still need an answer, or null. Asking again gives the same batch under
   * the key it had; `freshKey` names a batch that is put together now.
   */
  async nextBatch(personId: string, freshKey: string): Promise<Batch | null> {
    const change = this.database.transaction("scans", "readwrite");
    const pending = await change.store.index("state").getAll("pending");
    const own = pending.filter((scan) => scan.person_id === personId);
    const batch = chooseBatch(own, freshKey);
    for (const scan of batch?.scans ?? []) await change.store.put(scan);
    await change.done;
    return batch;
  }

  /** Writes down what the server said. Scans of the batch without an answer become free for another batch. */
  async answer(batch: Batch, results: readonly ScanResult[]): Promise<void> {
    const bySequence = new Map(results.map((result) => [result.sequence, result]));
    await this.update(batch, (scan) => {
      const result = bySequence.get(scan.sequence);
      if (result === undefined) return { ...scan, batch_key: null };
      return { ...scan, state: result.outcome, key: result.key, facts: result.facts };
    });
    await this.prune();
  }

  /** Sends each scan of the batch on its own from now on, so that one bad scan cannot hold up the others. */
  async split(batch: Batch): Promise<void> {
    await this.update(batch, (scan) => ({ ...scan, batch_key: scan.scan_id }));
  }

  /** Scans without an answer, of everybody who used this device, oldest first. */
  pending(): Promise<KeptScan[]> {
    return this.database.getAllFromIndex("scans", "state", "pending");
  }

  /** Refused scans that nobody has read yet, oldest first. */
  async unreadRefusals(): Promise<KeptScan[]> {
    const refused = await this.database.getAllFromIndex("scans", "state", "refused");
    return refused.filter((scan) => !scan.is_read);
  }

  /**
   * Scans with a place that the server only noted, of which nobody has read yet, oldest first. The place was the
   * worker's answer to a question, so the scan was taken for done.
   */
  async unreadNotes(): Promise<KeptScan[]> {
    const noted = await this.database.getAllFromIndex("scans", "state", "noted");
    return noted.filter((scan) => scan.place_code !== null && !scan.is_read);
  }

  /** The newest scans, newest first. */
  async latest(count: number): Promise<KeptScan[]> {
    const scans = await this.database.getAll("scans");
    return scans.slice(-count).reverse();
  }

  async markRead(sequence: number): Promise<void> {
    const change = this.database.transaction("scans", "readwrite");
    const scan = await change.store.get(sequence);
    if (scan !== undefined) await change.store.put({ ...scan, is_read: true });
    await change.done;
  }

  async setAside(scan: AsideScan): Promise<void> {
    const change = this.database.transaction("aside", "readwrite", { durability: "strict" });
    await change.store.add(scan);
    const keys = await change.store.getAllKeys();
    for (const key of keys.slice(0, -ASIDE_KEPT_MAX)) await change.store.delete(key);
    await change.done;
  }

  async exportAll(): Promise<QueueExport> {
    const change = this.database.transaction(["scans", "aside"]);
    const scans = await change.objectStore("scans").getAll();
    const aside = await change.objectStore("aside").getAll();
    return { boot: this.boot, scans, aside };
  }

  private async update(batch: Batch, changed: (scan: KeptScan) => KeptScan): Promise<void> {
    const change = this.database.transaction("scans", "readwrite", { durability: "strict" });
    for (const { sequence } of batch.scans) {
      const scan = await change.store.get(sequence);
      if (scan?.state === "pending") await change.store.put(changed(scan));
    }
    await change.done;
  }

  private async prune(): Promise<void> {
    const change = this.database.transaction("scans", "readwrite");
    const scans = await change.store.getAll();
    const answered = scans.filter((scan) => isFinished(scan));
    for (const { sequence } of answered.slice(0, -ANSWERED_KEPT_MAX)) await change.store.delete(sequence);
    await change.done;
  }
}

const UNANSWERED = { state: "pending", batch_key: null, key: null, facts: {}, is_read: false } as const;

function isFinished(scan: KeptScan): boolean {
  return scan.state === "done" || scan.state === "noted" || (scan.state === "refused" && scan.is_read);
}

function chooseBatch(pending: readonly KeptScan[], freshKey: string): Batch | null {
  const [first] = pending;
  if (first === undefined) return null;
  const key = first.batch_key ?? freshKey;
  const together = pending.filter((scan) => scan.batch_key === first.batch_key);
  const scans = together.slice(0, BATCH_SCANS_MAX).map((scan) => ({ ...scan, batch_key: key }));
  return { key, boot: first.boot, scans };
}
