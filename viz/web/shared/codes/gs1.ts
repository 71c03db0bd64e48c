/**
 * GS1 codes as a handheld meets them: check digits, element strings and Digital Link addresses.
 *
 * Check digit: GS1 General Specifications, section 7.9 (mod 10). Application identifiers and their lengths:
 * sections 3.2 and 7.8.5 (table of predefined lengths).
 */

const GROUP_SEPARATOR = "\u001d";

/** Lengths of the data, in characters, of the identifiers that need no separator after them. */
const FIXED_LENGTHS: Readonly<Record<string, number>> = {
  "00": 18,
  "01": 14,
  "02": 14,
  "03": 14,
  "04": 16,
  "11": 6,
  "12": 6,
  "13": 6,
  "14": 6,
  "15": 6,
  "16": 6,
  "17": 6,
  "18": 6,
  "19": 6,
  "20": 2,
  "31": 8,
  "32": 8,
  "33": 8,
  "34": 8,
  "35": 8,
  "36": 8,
  "41": 14,
};
/** Identifiers 31-36 are four digits long with six of data, 41 three with thirteen. Keyed by two digits, so
 * the count covers the rest of the identifier as well. */

const LONG_IDENTIFIERS: ReadonlySet<string> = new Set(["31", "32", "33", "34", "35", "36"]);

/** GS1 mod-10 check digit of `digits`, which come without one. Throws RangeError on anything but digits. */
export function checkDigit(digits: string): number {
  if (!/^\d+$/.test(digits)) throw new RangeError("digits must be decimal digits");
  let total = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const weight = (digits.length - index) % 2 === 1 ? 3 : 1;
    total += Number(digits[index]) * weight;
  }
  return (10 - (total % 10)) % 10;
}

/** True when the last digit is the check digit of those before it. */
export function hasRightCheckDigit(code: string): boolean {
  return /^\d{2,}$/.test(code) && checkDigit(code.slice(0, -1)) === Number(code.at(-1));
}

/** Identifier to value of a GS1 element string, or null when the text is not one. */
export function parseElements(text: string): ReadonlyMap<string, string> | null {
  const elements = new Map<string, string>();
  let rest = text.startsWith(GROUP_SEPARATOR) ? text.slice(1) : text;
  while (rest !== "") {
    const element = firstElement(rest);
    if (element === null) return null;
    elements.set(element.identifier, element.value);
    rest = element.rest;
  }
  return elements.size === 0 ? null : elements;
}

interface Element {
  readonly identifier: string;
  readonly value: string;
  readonly rest: string;
}

function firstElement(text: string): Element | null {
  const head = text.slice(0, 2);
  if (!/^\d\d$/.test(head)) return null;
  const fixed = FIXED_LENGTHS[head];
  const length = identifierLength(head);
  const end = fixed === undefined ? separatorAt(text) : 2 + fixed;
  if (text.length < end || end <= length) return null;
  const after = text[end] === GROUP_SEPARATOR ? end + 1 : end;
  return { identifier: text.slice(0, length), value: text.slice(length, end), rest: text.slice(after) };
}

function identifierLength(head: string): number {
  if (LONG_IDENTIFIERS.has(head) || head[0] === "7" || head[0] === "8") return 4;
  return head === "41" || head === "24" || head === "25" || head === "40" || head === "42" ? 3 : 2;
}

function separatorAt(text: string): number {
  const at = text.indexOf(GROUP_SEPARATOR);
  return at === -1 ? text.length : at;
}

/** Identifier to value of a GS1 Digital Link address (`https://…/00/340…`), or null when it is not one. */
export function parseDigitalLink(text: string): ReadonlyMap<string, string> | null {
  if (!/^https?:\/\//i.test(text)) return null;
  const path = text.replace(/^https?:\/\/[^/]+/i, "").split(/[?#]/, 1)[0] ?? "";
  const parts = path.split("/").filter((part) => part !== "");
  const start = parts.findIndex((part) => part === "00" || part === "01");
  if (start === -1) return null;
  const elements = new Map<string, string>();
  for (let index = start; index + 1 < parts.length; index += 2) {
    elements.set(parts[index] ?? "", parts[index + 1] ?? "");
  }
  return elements.size === 0 ? null : elements;
}
