/**
 * Rules as the server states them, in English, said in the person's language. Pure.
 *
 * A rule is a phrase of the table, or has a shape of it: a pattern whose named parts are filled into a sentence.
 * Parts named `rule…` are rules themselves, `unit` is a unit of the table. The server says the rules of its
 * refusals from the same table (`app/texts.py`).
 */
import type { Locale } from "@shared/api/types";
import table from "@shared/locales/rules.json";

type Said = Partial<Record<Locale, string>>;

const PHRASES: Record<string, Said> = table.phrases;
const UNITS: Record<string, Said> = table.units;
const SHAPES = table.shapes.map((shape: Said & { when: string }) => ({ ...shape, pattern: new RegExp(shape.when) }));

/** `rule` in the language; as it is stated where no text was written for it. */
export function sayRule(rule: string, locale: Locale): string {
  const phrase = PHRASES[rule];
  if (phrase !== undefined) return phrase[locale] ?? rule;
  for (const shape of SHAPES) {
    const found = shape.pattern.exec(rule);
    if (found === null) continue;
    const parts = found.groups ?? {};
    return shape[locale]?.replace(/\{(\w+)\}/g, (_, name: string) => sayPart(name, parts[name] ?? "", locale)) ?? rule;
  }
  return rule;
}

function sayPart(name: string, part: string, locale: Locale): string {
  if (name.startsWith("rule")) return sayRule(part, locale);
  if (name === "unit" && part !== "") return UNITS[part]?.[locale] ?? ` ${part}`;
  return name === "list" && locale === "zh" ? part.replaceAll(", ", "、") : part;
}
