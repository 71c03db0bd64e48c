/** Moments as a bank writes them: in its business zone, and never without saying which zone that is. */

import type { Locale } from "@shared/api/types";
import { DEFAULT_ZONE, formatTime } from "@shared/i18n/format";

const TAGS: Record<Locale, string> = { zh: "zh-CN", en: "en-GB" };

/** "26 Nov 2026, 21:16 UTC+8": date and time to the minute. */
export function momentText(iso: string, locale: Locale): string {
  const moment = new Date(iso);
  const text = moment.toLocaleString(TAGS[locale], {
    timeZone: DEFAULT_ZONE,
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
  return `${text} ${zoneText(moment)}`;
}

/** "21:16:03 UTC+8": the time of day to the second, where the date stands beside it. */
export function timeText(iso: string, locale: Locale): string {
  return `${formatTime(iso, locale)} ${zoneText(new Date(iso))}`;
}

/** The zone's distance from UTC at that moment: "UTC+8", "UTC-3:30". */
export function zoneText(moment: Date): string {
  const parts = new Intl.DateTimeFormat("en", { timeZone: DEFAULT_ZONE, timeZoneName: "shortOffset" }).formatToParts(moment);
  return (parts.find((part) => part.type === "timeZoneName")?.value ?? DEFAULT_ZONE).replace("GMT", "UTC");
}

/** "2026-11-26T21:16": the moment as a form writes it, in the bank's zone. */
export function fieldText(ms: number): string {
  const text = new Intl.DateTimeFormat("sv-SE", { timeZone: DEFAULT_ZONE, dateStyle: "short", timeStyle: "short" }).format(ms);
  return text.replace(" ", "T");
}

/** The moment that a form's text means in the bank's zone, as ISO text in UTC; null when it means none. */
export function momentOf(text: string): string | null {
  const asUtc = Date.parse(`${text}Z`);
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text) || Number.isNaN(asUtc)) return null;
  const ahead = Date.parse(`${fieldText(asUtc)}Z`) - asUtc;
  return new Date(asUtc - ahead).toISOString();
}
