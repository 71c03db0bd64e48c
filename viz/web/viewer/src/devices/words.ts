/** What the device list and the quarantine say in words. Pure. */
import type { Device, DeviceOrder, DeviceState, QuarantineRow } from "@shared/api/types";
import type { Translate } from "@shared/i18n/i18n";

/** What wants a person first stands first. */
const ORDER: Record<DeviceState, number> = { fault: 0, gap: 1, offline: 2, never: 3, online: 4, retired: 5 };

export const STATES = Object.keys(ORDER) as DeviceState[];

export function shownState(device: Device): DeviceState {
  return device.retired_at === null ? device.state : "retired";
}

export function byUrgency(a: Device, b: Device): number {
  return ORDER[shownState(a)] - ORDER[shownState(b)] || a.device_id.localeCompare(b.device_id);
}

/** A clock this close to ours counts as right, in milliseconds: what is left is the way over the network. */
const RIGHT_WITHIN_MS = 1000;

/** "right", "2.4 s ahead", "3 min behind". */
export function skewText(skewMs: number | null, t: Translate): string {
  if (skewMs === null) return t("devices.clockUnknown");
  if (Math.abs(skewMs) < RIGHT_WITHIN_MS) return t("devices.clockRight");
  const seconds = Math.abs(skewMs) / 1000;
  const [amount, unit] = seconds < 120 ? [Math.round(seconds * 10) / 10, "s"] : [Math.round(seconds / 60), "min"];
  return t(skewMs > 0 ? "devices.clockAhead" : "devices.clockBehind", { amount, unit });
}

/** Whole minutes that are left, as a person says it: 15 for a moment more than that, 1 for less than one. */
export function minutesLeft(leftMs: number): number {
  return Math.max(1, Math.round(leftMs / 60_000));
}

/** The key of a name that the server states, such as `point.x_m`: letters and digits, joined by underscores. */
export function phraseKey(phrase: string): string {
  return phrase.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "");
}

/** A field in the person's language, or its own name. */
export function fieldText(field: string, t: Translate, has: (key: string) => boolean): string {
  const key = `fields.${phraseKey(field)}`;
  return has(key) ? t(key) : field;
}

/** A code in groups of four, as people read it out: the handheld takes it with or without the gaps. */
export function grouped(code: string): string {
  return (code.match(/.{1,4}/g) ?? []).join(" ");
}

/** Rows newest first, each once: a row that came again has a new count. */
export function mergeQuarantine(known: readonly QuarantineRow[], newer: readonly QuarantineRow[]): QuarantineRow[] {
  const byId = new Map([...known, ...newer].map((row) => [row.quarantine_id, row]));
  return [...byId.values()].sort((a, b) => b.last_received_at.localeCompare(a.last_received_at));
}

/** Orders newest first, each once, as it was told last. */
export function mergeOrders(known: readonly DeviceOrder[], newer: readonly DeviceOrder[]): DeviceOrder[] {
  const byNumber = new Map([...known, ...newer].map((order) => [order.number, order]));
  return [...byNumber.values()].sort((a, b) => b.number - a.number);
}

const MANUAL = "manual: ";

/** Why an order was given: a person's own words, else the product's reason in the person's language. */
export function causeText(cause: string, t: Translate, has: (key: string) => boolean): string {
  if (cause.startsWith(MANUAL)) return t("devices.quoted", { words: cause.slice(MANUAL.length) });
  const key = cause.startsWith("gate.") ? "gate_refuses" : phraseKey(cause);
  return has(`devices.cause.${key}`) ? t(`devices.cause.${key}`) : cause;
}
