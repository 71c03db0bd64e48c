/**
 * The work of one person with a handheld as a state machine: one question per screen, any code on any screen.
 *
 *   ready ── pallet ──▶ place ── slot ──▶ done ── any code ──▶ as from ready
 *     └─ tap a task ─▶ pallet ── its pallet ──▶ place
 *   a code that does not answer the question ──▶ stopped ── acknowledged ──▶ back to the question
 *
 * Pure: it decides what to keep and which signal to give, and never does either. The server decides again on
 * every scan; this machine only catches, at once and offline, what the worker can still put right.
 */

import type { Task } from "@shared/api/types";
import type { Reading, Unreadable } from "../scan/reading";

export type Signal = "accepted" | "noted" | "refused";

/** What a kept scan says; the device adds person, time and sequence. */
export interface ScanContent {
  readonly scan_id: string;
  readonly code: string;
  readonly place_code: string | null;
  readonly symbology: string;
  readonly task_id: string | null;
}

export type Effect =
  | { readonly type: "keep"; readonly scan: ScanContent }
  | { readonly type: "keep_unreadable"; readonly text: string; readonly reason: string }
  | { readonly type: "claim" | "release"; readonly taskId: string }
  | { readonly type: "enrol"; readonly code: string }
  | { readonly type: "signal"; readonly signal: Signal };

export type StopKey =
  | "wrong_pallet"
  | "wrong_place"
  | "pallet_not_place"
  | "place_not_pallet"
  | "not_a_place"
  | "not_a_pallet"
  | "check_digit"
  | "fragment"
  | "empty";

/** What the worker may do other than scan again: put the pallet here after all, or work on this pallet. */
export type Instead = "put_here" | "this_pallet";

export interface ReadyStep {
  readonly name: "ready";
  /** Shows only the work at this place, after its label was scanned. */
  readonly place: string | null;
}
export interface PalletStep {
  readonly name: "pallet";
  readonly task: Task;
}
export interface PlaceStep {
  readonly name: "place";
  readonly code: string;
  /** Null when this device knows of no work for the pallet; the server may still know. */
  readonly task: Task | null;
}
export interface DoneStep {
  readonly name: "done";
  readonly scanId: string;
  readonly code: string;
  readonly place: string | null;
  readonly task: Task | null;
  readonly isConfirmed: boolean;
}
export type OpenStep = ReadyStep | PalletStep | PlaceStep | DoneStep;
export interface StoppedStep {
  readonly name: "stopped";
  readonly key: StopKey;
  readonly expected: string | null;
  readonly scanned: string;
  readonly back: OpenStep;
  readonly reading: Reading | null;
  readonly instead: Instead | null;
}
export type Step = OpenStep | StoppedStep;

export type FlowEvent =
  | { readonly type: "reading"; readonly reading: Reading | Unreadable; readonly scanId: string }
  | { readonly type: "choose"; readonly task: Task }
  | { readonly type: "back" }
  | { readonly type: "acknowledge" }
  | { readonly type: "instead"; readonly scanId: string }
  | { readonly type: "answered"; readonly scanId: string; readonly code: string; readonly task: Task | null }
  | { readonly type: "turned_down"; readonly scanId: string };

export interface Decision {
  readonly step: Step;
  readonly effects: readonly Effect[];
}

export const READY: ReadyStep = { name: "ready", place: null };

/** The next step and what to do on the way there. `tasks` is the open work this device knows of. */
export function decide(step: Step, event: FlowEvent, tasks: readonly Task[]): Decision {
  switch (event.type) {
    case "reading":
      return onReading(step, event.reading, event.scanId, tasks);
    case "choose":
      return { step: { name: "pallet", task: event.task }, effects: [claim(event.task)] };
    case "back":
      return onBack(step);
    case "acknowledge":
      return stay(step.name === "stopped" ? step.back : step);
    case "instead":
      return onInstead(step, event.scanId, tasks);
    case "answered":
      return stay(step.name === "stopped" ? step : withAnswer(step, event));
    case "turned_down":
      return stay(step.name === "done" && step.scanId === event.scanId ? READY : step);
  }
}

/** True when the scan of this step ends its task, so that the task may leave the list before the server says so. */
export function finishesTask(scan: ScanContent, tasks: readonly Task[]): boolean {
  const task = tasks.find((known) => known.task_id === scan.task_id);
  return task !== undefined && (scan.place_code !== null || task.to_slot_id === null);
}

/** What becomes of a code while something else has to be read first: it is kept, but answers no question. */
export function whileBlocked(reading: Reading | Unreadable, scanId: string): Effect[] {
  if (reading.kind !== "unreadable") return [keep(scanId, reading, null), signal("refused")];
  return [{ type: "keep_unreadable", text: reading.code, reason: reading.reason }, signal("refused")];
}

function onReading(step: Step, reading: Reading | Unreadable, scanId: string, tasks: readonly Task[]): Decision {
  if (step.name === "stopped") return { step, effects: whileBlocked(reading, scanId) };
  if (reading.kind === "unreadable") return onUnreadable(step, reading, scanId);
  if (reading.kind === "enrolment") return { step, effects: [{ type: "enrol", code: reading.code }] };
  if (step.name === "place") return onPlaceAnswer(step, reading, scanId);
  if (step.name === "pallet") return onPalletAnswer(step, reading, scanId);
  if (isPallet(reading)) return palletTaken(reading, scanId, taskOf(reading, tasks));
  const place = reading.kind === "place" ? reading.code : null;
  return { step: { name: "ready", place }, effects: [keep(scanId, reading, null), signal("noted")] };
}

function onPalletAnswer(step: PalletStep, reading: Reading, scanId: string): Decision {
  if (reading.code === step.task.sscc) return palletTaken(reading, scanId, step.task);
  const key = reading.kind === "place" ? "place_not_pallet" : isPallet(reading) ? "wrong_pallet" : "not_a_pallet";
  const instead = key === "wrong_pallet" ? "this_pallet" : null;
  return stopped(step, key, step.task.sscc, reading, instead, scanId);
}

function onPlaceAnswer(step: PlaceStep, reading: Reading, scanId: string): Decision {
  const expected = step.task?.to_slot_id ?? null;
  if (reading.kind === "place") {
    if (expected === null || reading.code === expected) return placed(step, reading, scanId);
    return stopped(step, "wrong_place", expected, reading, "put_here", scanId);
  }
  if (reading.code === step.code) return { step, effects: [keep(scanId, reading, null), signal("noted")] };
  const isOther = isPallet(reading);
  const key = isOther ? "pallet_not_place" : "not_a_place";
  return stopped(step, key, expected, reading, isOther ? "this_pallet" : null, scanId);
}

function onUnreadable(step: OpenStep, reading: Unreadable, scanId: string): Decision {
  const stop = { key: reading.reason, expected: expectedBy(step), scanned: reading.code } as const;
  const stopped: StoppedStep = { name: "stopped", ...stop, back: step, reading: null, instead: null };
  return { step: stopped, effects: whileBlocked(reading, scanId) };
}

function onBack(step: Step): Decision {
  const open = step.name === "stopped" ? step.back : step;
  const task = open.name === "pallet" || open.name === "place" ? open.task : null;
  return { step: READY, effects: task === null ? [] : [{ type: "release", taskId: task.task_id }] };
}

function onInstead(step: Step, scanId: string, tasks: readonly Task[]): Decision {
  if (step.name !== "stopped" || step.reading === null) return stay(step);
  if (step.instead === "put_here" && step.back.name === "place") return placed(step.back, step.reading, scanId);
  if (step.instead !== "this_pallet") return stay(step);
  const left = onBack(step.back).effects;
  const next = palletTaken(step.reading, scanId, taskOf(step.reading, tasks));
  return { step: next.step, effects: [...left, ...next.effects] };
}

function withAnswer(step: OpenStep, event: FlowEvent & { type: "answered" }): OpenStep {
  if (step.name === "done" && step.scanId === event.scanId) return { ...step, isConfirmed: true };
  const isOpen = event.task?.state === "open" || event.task?.state === "claimed";
  const isSame = step.name === "place" && step.task === null && step.code === event.code;
  return isSame && isOpen ? { ...step, task: event.task } : step;
}

function palletTaken(reading: Reading, scanId: string, task: Task | null): Decision {
  const kept = keep(scanId, reading, task);
  if (task !== null && task.to_slot_id === null) return done(reading.code, null, task, scanId, kept);
  const effects: Effect[] = [kept, signal("accepted")];
  if (task !== null) effects.push(claim(task));
  return { step: { name: "place", code: reading.code, task }, effects };
}

function placed(step: PlaceStep, reading: Reading, scanId: string): Decision {
  const content = { code: step.code, place_code: reading.code, symbology: reading.symbology };
  const kept: Effect = {
    type: "keep",
    scan: { ...content, scan_id: scanId, task_id: step.task?.task_id ?? null },
  };
  return done(step.code, reading.code, step.task, scanId, kept);
}

function done(code: string, place: string | null, task: Task | null, scanId: string, kept: Effect): Decision {
  const step: DoneStep = { name: "done", scanId, code, place, task, isConfirmed: false };
  return { step, effects: [kept, signal("accepted")] };
}

function stopped(
  back: OpenStep,
  key: StopKey,
  expected: string | null,
  reading: Reading,
  instead: Instead | null,
  scanId: string,
): Decision {
  const step: StoppedStep = { name: "stopped", key, expected, scanned: reading.code, back, reading, instead };
  return { step, effects: [keep(scanId, reading, null), signal("refused")] };
}

function expectedBy(step: OpenStep): string | null {
  if (step.name === "pallet") return step.task.sscc;
  return step.name === "place" ? (step.task?.to_slot_id ?? null) : null;
}

function keep(scanId: string, reading: Reading, task: Task | null): Effect {
  const { code, symbology } = reading;
  const task_id = task?.task_id ?? null;
  return { type: "keep", scan: { scan_id: scanId, code, place_code: null, symbology, task_id } };
}

function isPallet(reading: Reading): boolean {
  return reading.kind === "pallet" || reading.kind === "tag";
}

function taskOf(reading: Reading, tasks: readonly Task[]): Task | null {
  return tasks.find((task) => task.sscc === reading.code) ?? null;
}

function claim(task: Task): Effect {
  return { type: "claim", taskId: task.task_id };
}

function signal(kind: Signal): Effect {
  return { type: "signal", signal: kind };
}

function stay(step: Step): Decision {
  return { step, effects: [] };
}
