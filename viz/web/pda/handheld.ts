/** The handheld at work: joins the state machine, the scan queue, the sender and the server, and shows it as signals. */

import { newUuid } from "@shared/api/client";
import type { Locale, ScanAnswer, Site, Task } from "@shared/api/types";
import { computed, signal } from "@preact/signals";
import { type DeviceIdentity, forget, recall, remember, type Worker } from "./device/memory";
import type { Server } from "./device/server";
import { give } from "./feedback/feedback";
import { type AsideReason, decide, type Effect, finishesTask, type FlowEvent, READY, type ScanContent, type Step, whileBlocked } from "./flow/flow";
import { type LinkState, PostFailure, Sender } from "./queue/sender";
import type { Batch, KeptScan, ScanStore } from "./queue/store";
import type { Reading, Unreadable } from "./scan/reading";
import { setLocale, settle } from "./texts";

/** How often the list of work is asked for while somebody looks at it, in milliseconds. */
export const TASKS_POLL_MS = 5_000;

/** What was scanned to enrol with is no enrolment code. */
export const NOT_A_CODE = Symbol("not an enrolment code");

export class Handheld {
  readonly step = signal<Step>(READY);
  readonly device = signal<DeviceIdentity | null>(recall("device"));
  readonly worker = signal<Worker | null>(recall("worker"));
  readonly link = signal<LinkState>("idle");
  readonly pending = signal<readonly KeptScan[]>([]);
  readonly refusals = signal<readonly KeptScan[]>([]);
  /** Scans that were taken for done and are only noted; shown until somebody has read the list. */
  readonly notes = signal<readonly KeptScan[]>([]);
  /** Key and facts of a claim that the server turned down; shown until the next step. */
  readonly claimProblem = signal<PostFailure | null>(null);
  readonly enrolProblem = signal<unknown>(null);
  /** The site of this device as people call it; null until the server was asked once. */
  readonly site = signal<Site | null>(recall("site"));
  /** True once a scan could not be stored: the device is full or its storage is broken. */
  readonly cannotStore = signal(false);
  private readonly listed = signal<readonly Task[]>(recall("tasks") ?? []);
  private readonly finished = signal<ReadonlySet<string>>(new Set());
  private readonly sender: Sender;
  /** Scans are taken one after the other, or two quick ones could swap their sequence numbers. */
  private queue: Promise<void> = Promise.resolve();

  /** Open work, without what was finished here and is only waiting to be sent. */
  readonly tasks = computed(() => this.listed.value.filter((task) => !this.finished.value.has(task.task_id)));
  /** The refusal of the server that the worker has to read first. */
  readonly refusal = computed(() => this.refusals.value[0] ?? null);

  constructor(
    private readonly store: ScanStore,
    private readonly server: Server,
  ) {
    this.sender = new Sender({
      store,
      personId: () => this.worker.value?.person.person_id ?? null,
      newKey: newUuid,
      post: (batch) => this.post(batch),
      alone: onlyWindow,
      after: (delayMs, run) => {
        const timer = window.setTimeout(run, delayMs);
        return () => window.clearTimeout(timer);
      },
      onAnswer: (answer, batch) => this.onAnswer(answer, batch),
      onLink: (link) => {
        this.link.value = link;
      },
    });
  }

  /** Reads what the queue holds and starts to send, now and whenever waiting longer makes no sense. */
  async start(): Promise<void> {
    await this.refreshQueue();
    this.finished.value = new Set(this.pending.value.filter((scan) => this.finishes(scan)).map(taskIdOf));
    window.addEventListener("online", () => void this.wake("online"));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.wake("visible");
    });
    window.setInterval(() => {
      if (document.visibilityState === "visible") void this.refreshTasks();
    }, TASKS_POLL_MS);
    await this.wake("start");
  }

  /** Signs in with the session of this browser, if the server can be asked; else the last worker goes on. */
  async findWorker(): Promise<void> {
    try {
      const session = await this.server.session();
      const { person, party } = session;
      this.worker.value = { person, party };
      remember("worker", { person, party });
      await settle(session, this.server);
      await this.nameSite();
    } catch (failure) {
      if (failure instanceof PostFailure && failure.kind === "signed_out") this.link.value = "signed_out";
    }
  }

  private async nameSite(): Promise<void> {
    const siteId = this.device.value?.site_id;
    if (siteId === undefined || this.site.value?.site_id === siteId) return;
    this.site.value = await this.server.site(siteId);
    if (this.site.value !== null) remember("site", this.site.value);
  }

  /** Changes the language here at once, and of the account now or as soon as the line is back. */
  chooseLocale(locale: Locale): void {
    setLocale(locale);
    void this.server.post("/session/locale", { locale }).catch(() => undefined);
  }

  /** Makes this browser a known handheld, or another one than before. A failure shows as `enrolProblem`. */
  async enrol(code: string): Promise<void> {
    this.enrolProblem.value = null;
    try {
      const { device_id, device_token, site_id } = await this.server.enrol(code);
      this.device.value = { device_id, device_token, site_id };
      remember("device", this.device.value);
      give("accepted");
      void this.sender.kick("start");
    } catch (failure) {
      this.enrolProblem.value = failure;
      give("refused");
    }
  }

  /** A code was read. Resolves when it is stored and the signal was given. */
  read(reading: Reading | Unreadable): Promise<void> {
    this.queue = this.queue.then(() => this.take(reading)).catch(() => this.failToStore());
    return this.queue;
  }

  /** Without this the worker would go on, believing that the scan is safe. */
  private failToStore(): void {
    this.cannotStore.value = true;
    give("refused");
  }

  choose(task: Task): void {
    void this.act({ type: "choose", task });
  }
  back(): void {
    void this.act({ type: "back" });
  }
  acknowledge(): void {
    void this.act({ type: "acknowledge" });
  }
  takeOtherPallet(): void {
    void this.act({ type: "other_pallet", scanId: newUuid() });
  }

  async acknowledgeRefusal(): Promise<void> {
    if (this.refusal.value !== null) await this.store.markRead(this.refusal.value.sequence);
    await this.refreshQueue();
  }

  /** The list of scans is open: what it says of each has been read. */
  async readNotes(): Promise<void> {
    for (const { sequence } of this.notes.value) await this.store.markRead(sequence);
    await this.refreshQueue();
  }

  latest(count: number): Promise<KeptScan[]> {
    return this.store.latest(count);
  }

  exportQueue(): Promise<unknown> {
    return this.store.exportAll().then((all) => ({ device_id: this.device.value?.device_id ?? null, ...all }));
  }

  /** Ends the session, at once or as soon as the line is back. Unsent scans stay until this person returns. */
  async signOut(): Promise<void> {
    remember("leaving", true);
    forget("worker");
    this.worker.value = null;
    this.step.value = READY;
    await this.leaveIfAsked();
  }

  private async wake(cause: "start" | "online" | "visible"): Promise<void> {
    if (await this.leaveIfAsked()) return;
    await this.findWorker();
    await Promise.all([this.sender.kick(cause), this.refreshTasks()]);
  }

  private async leaveIfAsked(): Promise<boolean> {
    if (recall("leaving") === null) return false;
    try {
      await this.server.signOut();
    } catch (failure) {
      if (!(failure instanceof PostFailure) || failure.kind !== "signed_out") return true;
    }
    forget("leaving");
    this.link.value = "signed_out";
    return true;
  }

  private async take(reading: Reading | Unreadable): Promise<void> {
    const scanId = newUuid();
    if (this.device.value === null || this.worker.value === null) return this.takeIdle(reading);
    if (this.refusal.value !== null) return this.carryOut(whileBlocked(reading));
    await this.act({ type: "reading", reading, scanId });
  }

  /** Nobody is at work here yet, so only an enrolment code means something. */
  private async takeIdle(reading: Reading | Unreadable): Promise<void> {
    if (reading.kind === "enrolment") return this.enrol(reading.code);
    if (this.device.value === null) this.enrolProblem.value = NOT_A_CODE;
    give("refused");
  }

  private async act(event: FlowEvent): Promise<void> {
    const { step, effects } = decide(this.step.value, event, this.tasks.value);
    this.claimProblem.value = null;
    this.enrolProblem.value = null;
    await this.carryOut(effects);
    this.step.value = step;
  }

  private async carryOut(effects: readonly Effect[]): Promise<void> {
    for (const effect of effects) await this.carryOutOne(effect);
    if (effects.some((effect) => effect.type === "send")) void this.sender.kick("scan");
  }

  private async carryOutOne(effect: Effect): Promise<void> {
    if (effect.type === "signal") return give(effect.signal);
    if (effect.type === "send") return this.keep(effect.scan);
    if (effect.type === "set_aside") return this.setAside(effect.text, effect.reason);
    if (effect.type === "enrol") return this.enrol(effect.code);
    void this.tell(effect.type, effect.taskId);
  }

  private async keep(scan: ScanContent): Promise<void> {
    const observed_at = new Date().toISOString();
    await this.store.keep({ ...scan, observed_at, person_id: this.worker.value?.person.person_id ?? "" });
    if (this.finishes(scan)) this.finished.value = new Set([...this.finished.value, taskIdOf(scan)]);
    await this.refreshQueue();
  }

  private setAside(text: string, reason: AsideReason): Promise<void> {
    const observed_at = new Date().toISOString();
    return this.store.setAside({ observed_at, person_id: this.worker.value?.person.person_id ?? "", text, reason });
  }

  /** Without a line nobody can claim; the server sorts it out when the scans arrive. */
  private async tell(what: "claim" | "release", taskId: string): Promise<void> {
    try {
      await this.server[what](taskId);
    } catch (failure) {
      if (what === "claim" && failure instanceof PostFailure && failure.kind === "refused") {
        this.claimProblem.value = failure;
      }
    }
  }

  private post(batch: Batch): Promise<ScanAnswer> {
    const device = this.device.value;
    if (device === null) throw new PostFailure("device_refused", "device.not_enrolled");
    return this.server.scans(batch, device);
  }

  private onAnswer(answer: ScanAnswer, batch: Batch): void {
    for (const result of answer.results) {
      const scan = batch.scans.find((sent) => sent.sequence === result.sequence);
      if (scan !== undefined) this.onResult(scan, result);
    }
    if (answer.results.some((result) => result.outcome === "refused")) give("refused");
    void this.tellNote().then(() => this.refreshQueue());
    void this.refreshTasks();
  }

  /** A note that the screen shows at this moment is read; its tone tells it from what was accepted before. */
  private async tellNote(): Promise<void> {
    const { value: step } = this.step;
    if (step.name !== "done" || step.answer !== "noted") return;
    const notes = await this.store.unreadNotes();
    const shown = notes.find((scan) => scan.scan_id === step.scanId);
    if (shown === undefined) return;
    give("noted");
    await this.store.markRead(shown.sequence);
  }

  private onResult(scan: KeptScan, result: ScanAnswer["results"][number]): void {
    const { scan_id: scanId, code } = scan;
    const wasRefused = result.outcome === "refused";
    if (wasRefused) this.finished.value = new Set([...this.finished.value].filter((id) => id !== scan.task_id));
    const event: FlowEvent =
      result.outcome === "refused"
        ? { type: "turned_down", scanId, code }
        : { type: "answered", scanId, code, outcome: result.outcome, task: result.task };
    this.step.value = decide(this.step.value, event, this.tasks.value).step;
  }

  private async refreshTasks(): Promise<void> {
    const device = this.device.value;
    if (device === null || this.worker.value === null) return;
    try {
      this.listed.value = await this.server.tasks(device.site_id);
      remember("tasks", [...this.listed.value]);
    } catch (failure) {
      if (failure instanceof PostFailure && failure.kind === "signed_out") this.link.value = "signed_out";
    }
  }

  private async refreshQueue(): Promise<void> {
    this.pending.value = await this.store.pending();
    this.refusals.value = await this.store.unreadRefusals();
    this.notes.value = await this.store.unreadNotes();
  }

  private finishes(scan: ScanContent): boolean {
    return finishesTask(scan, this.listed.value);
  }
}

function taskIdOf(scan: ScanContent): string {
  return scan.task_id ?? "";
}

/** Only one window of a device sends at a time. Answers false when another one is at it. */
async function onlyWindow(work: () => Promise<void>): Promise<boolean> {
  return navigator.locks.request("tallyhouse-pda-send", { ifAvailable: true }, async (lock) => {
    if (lock !== null) await work();
    return lock !== null;
  });
}
