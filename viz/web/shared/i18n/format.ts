/** Numbers, money, mass and moments as people read them. Nothing here reads a clock: `now` is an argument. */
import type { Locale } from "../api/types";

const TAGS: Record<Locale, string> = { zh: "zh-CN", en: "en-GB" };

/** The zone that moments are shown in when a site or bank names none. */
export const DEFAULT_ZONE = "Asia/Shanghai";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "1,234.50" with the currency's sign: money is integer fen, a hundredth of the unit. */
export function formatMoney(fen: number, locale: Locale, currency = "CNY"): string {
  return new Intl.NumberFormat(TAGS[locale], { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(
    fen / 100,
  );
}

/** Money to the full unit, for cards and charts where fen would be noise. Never more than there is. */
export function formatMoneyShort(fen: number, locale: Locale, currency = "CNY"): string {
  return new Intl.NumberFormat(TAGS[locale], {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    maximumFractionDigits: 0,
  }).format(Math.floor(fen / 100));
}

export function formatCount(value: number, locale: Locale): string {
  return value.toLocaleString(TAGS[locale]);
}

/** Grams as kg below ten tonnes and as t above, and as they are below a kilogram: "750 g", "812.5 kg", "24.38 t". */
export function formatMass(grams: number, locale: Locale): string {
  if (grams !== 0 && Math.abs(grams) < 1000) return `${Math.round(grams).toLocaleString(TAGS[locale])}\u00a0g`;
  const isTonnes = Math.abs(grams) >= 10_000_000;
  const value = isTonnes ? grams / 1e6 : grams / 1e3;
  const digits = isTonnes ? 2 : 1;
  return `${value.toLocaleString(TAGS[locale], { maximumFractionDigits: digits })}\u00a0${isTonnes ? "t" : "kg"}`;
}

/** A share between 0 and 1 as per cent. `share` may be a decimal string of the API; two digits suit rates. */
export function formatShare(share: number | string, locale: Locale, digitsMax = 2): string {
  return Number(share).toLocaleString(TAGS[locale], { style: "percent", maximumFractionDigits: digitsMax });
}

/** Date and time to the minute in a zone. */
export function formatMoment(iso: string, locale: Locale, timeZone = DEFAULT_ZONE): string {
  return new Date(iso).toLocaleString(TAGS[locale], {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
}

/** How far a zone is from UTC at a moment: "UTC+8". Times of day are told apart by it. */
export function formatZone(at: string | number, timeZone = DEFAULT_ZONE): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone, timeZoneName: "shortOffset" }).formatToParts(new Date(at));
  return (parts.find((part) => part.type === "timeZoneName")?.value ?? timeZone).replace("GMT", "UTC");
}

/** Date and time to the minute with the zone they are in: "23/11/2026, 14:00 UTC+8". */
export function formatMomentWithZone(iso: string, locale: Locale, timeZone = DEFAULT_ZONE): string {
  return `${formatMoment(iso, locale, timeZone)} ${formatZone(iso, timeZone)}`;
}

/** Time of day to the second in a zone, for feeds. */
export function formatTime(iso: string, locale: Locale, timeZone = DEFAULT_ZONE): string {
  return new Date(iso).toLocaleTimeString(TAGS[locale], { timeZone, hour12: false });
}

/** A calendar date: "2026-11-23" as the locale writes it. */
export function formatDate(iso: string, locale: Locale, timeZone = DEFAULT_ZONE): string {
  const moment = iso.length === 10 ? `${iso}T12:00:00Z` : iso;
  return new Date(moment).toLocaleDateString(TAGS[locale], { timeZone, year: "numeric", month: "short", day: "numeric" });
}

/** How long ago in words: "3 minutes ago", "3 分钟前". Moments ahead of `now` by clock skew count as now. */
export function formatAge(iso: string, now: number, locale: Locale): string {
  const ms = Math.max(0, now - Date.parse(iso));
  const words = new Intl.RelativeTimeFormat(TAGS[locale], { numeric: "auto" });
  if (ms < MINUTE_MS) return words.format(-Math.floor(ms / SECOND_MS), "second");
  if (ms < HOUR_MS) return words.format(-Math.floor(ms / MINUTE_MS), "minute");
  if (ms < 2 * DAY_MS) return words.format(-Math.floor(ms / HOUR_MS), "hour");
  return words.format(-Math.floor(ms / DAY_MS), "day");
}

/** An SSCC in groups that people can read to each other: "(00) 3 690123 400000012 4" is 18 digits. */
export function formatSscc(sscc: string): string {
  return /^\d{18}$/.test(sscc) ? `${sscc[0]} ${sscc.slice(1, 8)} ${sscc.slice(8, 17)} ${sscc[17]}` : sscc;
}
