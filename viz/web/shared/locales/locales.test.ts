import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Texts } from "../i18n/i18n";
import en from "./en.json";
import zh from "./zh.json";

const ROOT = join(import.meta.dirname, "..", "..");
const PLURALS = new Set(["one", "other"]);

function isPlural(node: Texts): boolean {
  return "other" in node && Object.keys(node).every((key) => PLURALS.has(key));
}

/** Every text by its dotted key. A plural counts as one text, since Chinese has one form and English two. */
function flatten(node: Texts, prefix = ""): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(node)) {
    const path = prefix + key;
    if (typeof value === "string") texts.set(path, value);
    else if (isPlural(value)) texts.set(path, String(value["other"]));
    else for (const [inner, text] of flatten(value, `${path}.`)) texts.set(inner, text);
  }
  return texts;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.name.includes(".test."))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Keys named in code as `t("a.b")`, and prefixes named as t(`a.${x}`). */
function usedKeys(): { whole: Map<string, string>; prefixes: Map<string, string> } {
  const whole = new Map<string, string>();
  const prefixes = new Map<string, string>();
  const folders = ["shared", "viewer", "bank", "pda", "sign-in"].filter((page) => existsSync(join(ROOT, page)));
  for (const file of folders.flatMap((page) => sources(join(ROOT, page)))) {
    const text = readFileSync(file, "utf8");
    for (const [, key] of text.matchAll(/\bt\(\s*"([^"]+)"/g)) whole.set(key!, file);
    for (const [, prefix] of text.matchAll(/\bt\(\s*`([^`$]+)\.\$\{/g)) prefixes.set(prefix!, file);
    for (const [, yes, no] of text.matchAll(/\bt\(\s*[^"`()]+\?\s*"([^"]+)"\s*:\s*"([^"]+)"/g)) {
      whole.set(yes!, file).set(no!, file);
    }
  }
  return { whole, prefixes };
}

const texts = { en: flatten(en), zh: flatten(zh) };
const has = (key: string) => texts.en.has(key);

test("both languages have the same keys", () => {
  expect([...texts.zh.keys()].sort()).toEqual([...texts.en.keys()].sort());
});

test("both languages name the same facts in each text", () => {
  const facts = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].filter((fact) => fact !== "{count}").sort();
  const differing = [...texts.en].filter(([key, text]) => `${facts(text)}` !== `${facts(texts.zh.get(key) ?? "")}`);
  expect(differing.map(([key]) => key)).toEqual([]);
});

test("every key that a page names has a text", () => {
  const { whole, prefixes } = usedKeys();
  const missing = [...whole].filter(([key]) => !has(key));
  const empty = [...prefixes].filter(([prefix]) => ![...texts.en.keys()].some((key) => key.startsWith(`${prefix}.`)));
  expect(whole.size).toBeGreaterThan(20);
  expect([...missing, ...empty]).toEqual([]);
});

test("no text is empty, and Chinese texts are Chinese", () => {
  const names = new Set(["RFID", "SSCC", "SKU", "EPC", "GPS"]);
  for (const [key, text] of texts.zh) {
    expect(text.trim(), key).not.toBe("");
    const words = text.replace(/\{\w+\}/g, "").match(/[A-Za-z]{2,}/g) ?? [];
    if (words.length > 0 && !words.every((word) => names.has(word))) expect(text, key).toMatch(/\p{Script=Han}/u);
  }
});
