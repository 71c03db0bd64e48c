import type { Locale } from "../api/types";
import { settleLocale } from "./account";
import { beforeEach, expect, test } from "vitest";
import { formatAge, formatMass, formatMoney, formatSscc } from "./format";
import { I18n } from "./i18n";

const EN = { gate: { alarm: "{count} pallets at {gate}" }, pallets: { one: "{count} pallet", other: "{count} pallets" } };
const ZH = { gate: { alarm: "{gate} 有 {count} 个托盘" }, pallets: { other: "{count} 个托盘" } };

let texts: I18n;
beforeEach(() => {
  window.localStorage.clear();
  window.sessionStorage.clear();
  texts = new I18n({ en: EN, zh: ZH }, "en");
});

test("facts fill a text, numbers as the language writes them", () => {
  expect(texts.t("gate.alarm", { count: 1200, gate: "gate-1" })).toBe("1,200 pallets at gate-1");
});

test("a fact that was not given stays visible as its name", () => {
  expect(texts.t("gate.alarm", { count: 2 })).toBe("2 pallets at {gate}");
});

test("the plural follows the fact count", () => {
  expect(texts.t("pallets", { count: 1 })).toBe("1 pallet");
  expect(texts.t("pallets", { count: 3 })).toBe("3 pallets");
  texts.setLocale("zh");
  expect(texts.t("pallets", { count: 1 })).toBe("1 个托盘");
});

test("an unknown key shows as itself", () => {
  expect(texts.t("gate.unknown")).toBe("gate.unknown");
});

test("a change of language is told once, remembered, and named on the document", () => {
  let told = 0;
  const stop = texts.subscribe(() => (told += 1));
  texts.setLocale("zh");
  stop();
  texts.setLocale("en");
  expect(told).toBe(1);
  expect(new I18n({ en: EN, zh: ZH }).locale).toBe("en");
  expect(document.documentElement.lang).toBe("en");
});

/** Who is signed in, with the language of the account; what is posted is noted. */
function anAccount(locale: Locale | null) {
  const posted: unknown[] = [];
  const post = (path: string, body: unknown) => Promise.resolve(void posted.push([path, body]));
  return { posted, settle: () => settleLocale(texts, { post }, { person: { locale } }) };
}

test("after signing in a page speaks the account's language, on this machine from then on", async () => {
  const { posted, settle } = anAccount("zh");
  await settle();
  expect([texts.locale, new I18n({ en: EN, zh: ZH }).locale]).toEqual(["zh", "zh"]);
  expect(posted).toEqual([]);
});

test("a language just chosen stays, and becomes the account's", async () => {
  const { posted, settle } = anAccount("zh");
  texts.setLocale("en");
  await settle();
  expect(texts.locale).toBe("en");
  expect(posted).toEqual([["/session/locale", { locale: "en" }]]);
});

test("a language chosen before signing in goes with the person through the sign-in page", async () => {
  texts.setLocale("zh");
  texts = new I18n({ en: EN, zh: ZH });
  const { posted, settle } = anAccount("en");
  await settle();
  expect([texts.locale, posted]).toEqual(["zh", [["/session/locale", { locale: "zh" }]]]);
});

test("who signs in after that brings a language of their own", async () => {
  texts.setLocale("zh");
  await anAccount("en").settle();
  texts = new I18n({ en: EN, zh: ZH });
  const { posted, settle } = anAccount("en");
  await settle();
  expect([texts.locale, posted]).toEqual(["en", []]);
});

test("a choice that the account knows already is not told again", async () => {
  const { posted, settle } = anAccount("zh");
  texts.setLocale("zh");
  await settle();
  expect(posted).toEqual([]);
});

test("a choice that cannot be stored stays in force on the page", async () => {
  texts.setLocale("zh");
  const post = () => Promise.reject(new Error("cut off"));
  await settleLocale(texts, { post }, { person: { locale: "en" } });
  expect(texts.locale).toBe("zh");
});

test("an account without a language changes nothing", async () => {
  const { posted, settle } = anAccount(null);
  await settle();
  expect(texts.locale).toBe("en");
  expect(posted).toEqual([]);
});

test("money is fen, mass is grams", () => {
  expect(formatMoney(123_456_789, "en")).toBe("¥1,234,567.89");
  expect(formatMass(750, "en")).toBe("750\u00a0g");
  expect(formatMass(812_500, "en")).toBe("812.5\u00a0kg");
  expect(formatMass(24_380_000, "zh")).toBe("24.38\u00a0t");
});

test("ages are told in words, and the future counts as now", () => {
  const now = Date.parse("2026-11-23T06:00:00Z");
  expect(formatAge("2026-11-23T05:57:00Z", now, "en")).toBe("3 minutes ago");
  expect(formatAge("2026-11-23T05:57:00Z", now, "zh")).toBe("3分钟前");
  expect(formatAge("2026-11-23T06:00:02Z", now, "en")).toBe("now");
});

test("an SSCC is grouped, anything else is left alone", () => {
  expect(formatSscc("369012340000000124")).toBe("3 6901234 000000012 4");
  expect(formatSscc("A01-07-3")).toBe("A01-07-3");
});
