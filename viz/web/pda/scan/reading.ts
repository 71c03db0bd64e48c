/** What a scanned or typed text means: a pallet (also by its tag), an item, a place, an enrolment code, or unreadable. */

import { ssccOfTag } from "@shared/codes/epc";
import type { Framed } from "./framing";
import { hasRightCheckDigit, parseDigitalLink, parseElements } from "@shared/codes/gs1";

export type ReadingKind = "pallet" | "item" | "place" | "enrolment" | "other";

export interface Reading {
  readonly kind: ReadingKind;
  /** The code itself: SSCC of 18 digits, GTIN of 14, place code in capitals, or as read. */
  readonly code: string;
  /** AIM symbology identifier such as `]C1`; `typed` when a person typed it; `unknown` otherwise. */
  readonly symbology: string;
}

export type UnreadableReason = "check_digit" | "fragment" | "no_prefix" | "empty";

export interface Unreadable {
  readonly kind: "unreadable";
  readonly reason: UnreadableReason;
  readonly code: string;
  readonly symbology: string;
}

const AIM_IDENTIFIER = /^\][A-Za-z][0-9A-Za-z]/;

/** Rack, two digits of bay, level, as printed on the slot labels: `A01-07-3`. */
const SLOT = /^[A-Z][A-Z0-9]{0,7}-\d{2,3}-\d{1,2}$/;

/** Floor areas have named codes: `staging-1`, `dock-2`, `gate-1`. */
const AREA = /^(staging|dock|gate|yard|receiving|shipping)(-[a-z0-9]+)*$/;

const TRADE_ITEM_LENGTHS: ReadonlySet<number> = new Set([8, 12, 13, 14]);

/** Reads a frame from the scanner. A fragment is always unreadable: half a code may look like a whole one. */
export function readFrame(framed: Framed): Reading | Unreadable {
  if (framed.kind === "fragment") return unreadable("fragment", framed.text, "unknown");
  if (framed.kind === "bare") return unreadable("no_prefix", framed.text, "unknown");
  const identifier = AIM_IDENTIFIER.exec(framed.text)?.[0];
  if (identifier !== undefined) return readText(framed.text.slice(identifier.length), identifier);
  return readText(framed.text.slice(1), "unknown");
}

/** Reads the content of a code, without prefix. */
export function readText(text: string, symbology: string): Reading | Unreadable {
  const content = text.trim();
  if (content === "") return unreadable("empty", text, symbology);
  const enrolment = enrolmentCode(content);
  if (enrolment !== null) return { kind: "enrolment", code: enrolment, symbology };
  const tagged = ssccOfTag(content);
  if (tagged !== null) return { kind: "pallet", code: tagged, symbology };
  const elements = parseDigitalLink(content) ?? parseElements(withoutBrackets(content));
  return fromElements(elements, symbology) ?? fromPlain(content, symbology);
}

function fromElements(
  elements: ReadonlyMap<string, string> | null,
  symbology: string,
): Reading | Unreadable | null {
  const pallet = elements?.get("00");
  if (pallet !== undefined) return checked("pallet", pallet, symbology);
  const item = elements?.get("01") ?? elements?.get("02");
  return item === undefined ? null : checked("item", item, symbology);
}

function fromPlain(content: string, symbology: string): Reading | Unreadable {
  if (/^\d{18}$/.test(content)) return checked("pallet", content, symbology);
  if (/^\d+$/.test(content) && TRADE_ITEM_LENGTHS.has(content.length)) {
    return checked("item", content.padStart(14, "0"), symbology);
  }
  if (SLOT.test(content.toUpperCase())) return { kind: "place", code: content.toUpperCase(), symbology };
  if (AREA.test(content.toLowerCase())) return { kind: "place", code: content.toLowerCase(), symbology };
  return { kind: "other", code: content, symbology };
}

function checked(kind: "pallet" | "item", code: string, symbology: string): Reading | Unreadable {
  return hasRightCheckDigit(code) ? { kind, code, symbology } : unreadable("check_digit", code, symbology);
}

function unreadable(reason: UnreadableReason, code: string, symbology: string): Unreadable {
  return { kind: "unreadable", reason, code, symbology };
}

/**
 * An enrolment code as a person types it, or the address that holds it. Codes are written in Crockford's base 32, so
 * case, gaps and the letters that look like digits do not matter.
 */
export function typedEnrolment(text: string): string {
  const inAddress = enrolmentCode(text);
  if (inAddress !== null) return inAddress;
  return text.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
}

/** People copy the printed form, `(00) 3 7610425 …`, which the symbol itself never holds. */
function withoutBrackets(content: string): string {
  return /^\(\d{2,4}\)/.test(content) ? content.replace(/[()\s]/g, "") : content;
}

function enrolmentCode(content: string): string | null {
  const match = /\/pda\/?\?(?:.*&)?enrol=([A-Za-z0-9_-]{4,64})/.exec(content);
  return match?.[1] ?? null;
}
