import { beforeEach, expect, test } from "vitest";
import { formatAge, formatMass, formatMoney, formatSscc } from "./format";
import { I18n } from "./i18n";

const EN = { gate: { alarm: "{count} pallets at {gate}" }, pallets: { one: "{count} pallet", other: "{count} pallets" } };
const ZH = { gate: { alarm: "{gate} 有 {count} 个托盘" }, pallets: { other: "{count} 个托盘" } };

let texts: I18n;
beforeEach(() => {
  window.localStorage.clear();
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

test("money is fen, mass is grams", () => {
  expect(formatMoney(123_456_789, "en")).toBe("¥1,234,567.89");
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
