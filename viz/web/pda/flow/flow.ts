/**
 * The work of one person with a handheld as a state machine: one question per screen, any code on any screen.
 *
 *   ready ── pallet to put away ──▶ place ── slot ──▶ done ── any code ──▶ as from ready
 *     ├─ pallet to pick ──▶ done
 *     └─ tap a task ──▶ pallet ── its pallet ──▶ place, or done
 *   a code that does not answer the question ──▶ stopped ── acknowledged ──▶ back to the question
 *
 * What is done here is only waiting until the server has answered: done, or noted, which books nothing.
 *
 * Pure: it decides what to store and which signal to give, and never does either. What the server should judge is
 * sent: a pallet with its place, a pallet to pick, a code that this device knows nothing about. What only opened a
 * question or was turned down here is set aside on the device. The server decides again on all that it gets; this
 * machine catches, at once and offline, what the worker can still put right.
 */

import type { Task } from "@shared/api/types";
import type { Reading, Unreadable } from "../scan/reading";

export type Signal = "accepted" | "noted" | "refused";

/** What a sent scan says; the device adds person, time and sequence. */
export interface ScanContent {
  readonly scan_id: string;
  readonly code: string;
  readonly place_code: string | null;
  readonly symbology: string;
  readonly task_id: string | null;
}

export type StopKey =
  | "wrong_pallet"
  | "wrong_place"
  | "pallet_not_place"
  | "place_not_pallet"
  | "not_a_place"
  | "not_a_pallet"
  | "check_digit"
  | "fragment"
  | "no_prefix"
  | "empty";

/** Why a scan stays on the device: it was wrong, opened a question, looked something up, or came during a stop. */
export type AsideReason = StopKey | "opened" | "looked_up" | "repeated" | "blocked";

export type Effect =
  | { readonly type: "send"; readonly scan: ScanContent }
  | { readonly type: "set_aside"; readonly text: string; readonly reason: AsideReason }
  | { readonly type: "claim" | "release"; readonly taskId: string }
  | { readonly type: "enrol"; readonly code: string }
  | { readonly type: "signal"; readonly signal: Signal };

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
  /** True once the server has answered that it knows of none either. */
  readonly hasNoWork: boolean;
}
/** What became of a scan: still to be answered, carried out, or kept without anything being booked. */
export type Answer = "waiting" | "done" | "noted";
export interface DoneStep {
  readonly name: "done";
  readonly scanId: string;
  readonly code: string;
  readonly place: string | null;
  readonly task: Task | null;
  readonly answer: Answer;
}
export type OpenStep = ReadyStep | PalletStep | PlaceStep | DoneStep;
export interface StoppedStep {
  readonly name: "stopped";
  readonly key: StopKey;
  readonly expected: string | null;
  readonly scanned: string;
  readonly back: OpenStep;
  /** Another pallet that was scanned here: the worker may go on with it in place of the one in hand. */
  readonly otherPallet: Reading | null;
}
export type Step = OpenStep | StoppedStep;

export type FlowEvent =
  | { readonly type: "reading"; readonly reading: Reading | Unreadable; readonly scanId: string }
  | { readonly type: "choose"; readonly task: Task }
  | { readonly type: "back" }
  | { readonly type: "acknowledge" }
  | { readonly type: "other_pallet"; readonly scanId: string }
  | {
      readonly type: "answered";
      readonly scanId: string;
      readonly code: string;
      readonly outcome: "done" | "noted";
      readonly task: Task | null;
    }
  | { readonly type: "turned_down"; readonly scanId: string; readonly code: string };

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
    case "other_pallet":
      return onOtherPallet(step, event.scanId, tasks);
    case "answered":
      return stay(step.name === "stopped" ? step : withAnswer(step, event));
    case "turned_down":
      return stay(isAbout(step, event) ? READY : step);
  }
}

/** True when the scan ends its task, so that the task may leave the list before the server says so. */
export function finishesTask(scan: ScanContent, tasks: readonly Task[]): boolean {
  const task = tasks.find((known) => known.task_id === scan.task_id);
  return task !== undefined && (scan.place_code !== null || task.kind === "pick");
}

/** Where a pallet has to go, as its label says; null when this device does not know. */
export function placeOf(task: Task | null): string | null {
  return task === null ? null : (task.to_slot_id ?? task.to_place);
}

/** What becomes of a code while something else has to be read first: it is on record, but answers no question. */
export function whileBlocked(reading: Reading | Unreadable): Effect[] {
  const reason = reading.kind === "unreadable" ? reading.reason : "blocked";
  return [aside(reading, reason), signal("refused")];
}

function onReading(step: Step, reading: Reading | Unreadable, scanId: string, tasks: readonly Task[]): Decision {
  if (step.name === "stopped") return { step, effects: whileBlocked(reading) };
  if (reading.kind === "unreadable") return onUnreadable(step, reading);
  if (reading.kind === "enrolment") return { step, effects: [{ type: "enrol", code: reading.code }] };
  if (step.name === "place") return onPlaceAnswer(step, reading, scanId);
  if (step.name === "pallet") return onPalletAnswer(step, reading, scanId);
  if (reading.kind === "pallet") return palletTaken(reading, scanId, taskOf(reading, tasks));
  if (reading.kind !== "place") return { step: READY, effects: [send(scanId, reading, null), signal("noted")] };
  return { step: { name: "ready", place: reading.code }, effects: [aside(reading, "looked_up"), signal("noted")] };
}

function onPalletAnswer(step: PalletStep, reading: Reading, scanId: string): Decision {
  const { sscc } = step.task;
  if (reading.kind === "place") return stopped(step, "place_not_pallet", sscc, reading);
  if (reading.kind !== "pallet") return stopped(step, "not_a_pallet", sscc, reading);
  return reading.code === sscc ? palletTaken(reading, scanId, step.task) : stopped(step, "wrong_pallet", sscc, reading);
}

function onPlaceAnswer(step: PlaceStep, reading: Reading, scanId: string): Decision {
  const expected = placeOf(step.task);
  if (reading.kind === "place") {
    const isRight = expected === null || reading.code === expected;
    return isRight ? placed(step, reading, scanId) : stopped(step, "wrong_place", expected, reading);
  }
  if (reading.code === step.code) return { step, effects: [aside(reading, "repeated"), signal("noted")] };
  return stopped(step, reading.kind === "pallet" ? "pallet_not_place" : "not_a_place", expected, reading);
}

function onUnreadable(step: OpenStep, reading: Unreadable): Decision {
  const stop = { key: reading.reason, expected: expectedBy(step), scanned: reading.code } as const;
  return { step: { name: "stopped", ...stop, back: step, otherPallet: null }, effects: whileBlocked(reading) };
}

function onBack(step: Step): Decision {
  const open = step.name === "stopped" ? step.back : step;
  const task = open.name === "pallet" || open.name === "place" ? open.task : null;
  return { step: READY, effects: task === null ? [] : [{ type: "release", taskId: task.task_id }] };
}

function onOtherPallet(step: Step, scanId: string, tasks: readonly Task[]): Decision {
  if (step.name !== "stopped" || step.otherPallet === null) return stay(step);
  const left = onBack(step.back).effects;
  const next = palletTaken(step.otherPallet, scanId, taskOf(step.otherPallet, tasks));
  return { step: next.step, effects: [...left, ...next.effects] };
}

function withAnswer(step: OpenStep, event: FlowEvent & { type: "answered" }): OpenStep {
  if (step.name === "done" && step.scanId === event.scanId) return { ...step, answer: event.outcome };
  if (step.name !== "place" || step.task !== null || step.code !== event.code) return step;
  if (event.task === null) return { ...step, hasNoWork: true };
  return event.task.state === "open" || event.task.state === "claimed" ? { ...step, task: event.task } : step;
}

/** True while the screen shows the scan, or asks where to put the pallet, that the server turned down. */
function isAbout(step: Step, event: FlowEvent & { type: "turned_down" }): boolean {
  if (step.name === "place") return step.task === null && step.code === event.code;
  return step.name === "done" && step.scanId === event.scanId;
}

function palletTaken(reading: Reading, scanId: string, task: Task | null): Decision {
  if (task?.kind === "pick") return done(reading.code, null, task, scanId, send(scanId, reading, task));
  const step: PlaceStep = { name: "place", code: reading.code, task, hasNoWork: false };
  // A pallet that this device has no work for is a question to the server, which may know more.
  if (task === null) return { step, effects: [send(scanId, reading, null), signal("accepted")] };
  return { step, effects: [aside(reading, "opened"), signal("accepted"), claim(task)] };
}

function placed(step: PlaceStep, reading: Reading, scanId: string): Decision {
  const { code: place_code, symbology } = reading;
  const task_id = step.task?.task_id ?? null;
  const scan: ScanContent = { scan_id: scanId, code: step.code, place_code, symbology, task_id };
  return done(step.code, place_code, step.task, scanId, { type: "send", scan });
}

function done(code: string, place: string | null, task: Task | null, scanId: string, sent: Effect): Decision {
  const step: DoneStep = { name: "done", scanId, code, place, task, answer: "waiting" };
  return { step, effects: [sent, signal("accepted")] };
}

function stopped(back: OpenStep, key: StopKey, expected: string | null, reading: Reading): Decision {
  const otherPallet = reading.kind === "pallet" ? reading : null;
  const step: StoppedStep = { name: "stopped", key, expected, scanned: reading.code, back, otherPallet };
  return { step, effects: [aside(reading, key), signal("refused")] };
}

function expectedBy(step: OpenStep): string | null {
  if (step.name === "pallet") return step.task.sscc;
  return step.name === "place" ? placeOf(step.task) : null;
}

function send(scanId: string, reading: Reading, task: Task | null): Effect {
  const { code, symbology } = reading;
  const scan = { scan_id: scanId, code, place_code: null, symbology, task_id: task?.task_id ?? null };
  return { type: "send", scan };
}

function aside(reading: Reading | Unreadable, reason: AsideReason): Effect {
  return { type: "set_aside", text: reading.code, reason };
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
