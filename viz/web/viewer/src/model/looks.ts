/**
 * What colour a unit has, as a small code: the scene's shaders, the legend and the counts all use the codes.
 * Within a mode a higher code is worse, so that the worst of several is simply the highest.
 */
import type { EvidenceState, Unit, UnitStatus } from "@shared/api/types";

export type ColorMode = "evidence" | "status" | "age";
export type AgeClass = "hour" | "day" | "days" | "week" | "old" | "never";

/** Patterns that the shaders draw over a colour, so that evidence can be told apart without colour. */
export const PATTERN = { solid: 0, hatched: 1, half: 2, crossed: 3 } as const;

export interface PaletteEntry {
  mode: ColorMode;
  key: EvidenceState | UnitStatus | AgeClass;
  color: `--${string}`;
  pattern: number;
}

/** Nothing stands there. */
export const EMPTY = 0;
/** Something stands there, but the person has faded its kind. */
export const FADED = 15;

const entry = (mode: ColorMode, key: PaletteEntry["key"], pattern: number = PATTERN.solid): PaletteEntry => ({
  mode,
  key,
  color: `--${mode}-${key}`,
  pattern,
});

/** Index in this list plus one is the code. */
export const PALETTE: PaletteEntry[] = [
  entry("evidence", "verified"),
  entry("evidence", "seen", PATTERN.half),
  entry("evidence", "claimed", PATTERN.hatched),
  entry("evidence", "missing", PATTERN.crossed),
  entry("status", "free"),
  entry("status", "reserved"),
  entry("status", "held"),
  entry("status", "pledged"),
  entry("age", "hour"),
  entry("age", "day"),
  entry("age", "days"),
  entry("age", "week"),
  entry("age", "old"),
  entry("age", "never"),
];

const CODES = new Map(PALETTE.map((item, index) => [`${item.mode}.${item.key}`, index + 1]));

/** The code of one kind: `codeOf("evidence", "missing")`. */
export function codeOf(mode: ColorMode, key: PaletteEntry["key"]): number {
  return CODES.get(`${mode}.${key}`) ?? EMPTY;
}

/** Entries of a mode in the order of the legend: best first. */
export function legendOf(mode: ColorMode): PaletteEntry[] {
  return PALETTE.filter((item) => item.mode === mode);
}

const HOUR_MS = 3_600_000;

/** Class boundaries follow the freshness rule: full value to 24 h, none from 168 h. */
export function ageClass(lastSeenAt: string | null, now: number): AgeClass {
  if (lastSeenAt === null) return "never";
  const hours = (now - Date.parse(lastSeenAt)) / HOUR_MS;
  if (hours < 1) return "hour";
  if (hours < 24) return "day";
  if (hours < 72) return "days";
  return hours < 168 ? "week" : "old";
}

/** Which kind a unit is in a mode. */
export function kindOf(unit: Unit, mode: ColorMode, now: number): PaletteEntry["key"] {
  if (mode === "evidence") return unit.evidence;
  return mode === "status" ? unit.status : ageClass(unit.last_seen_at, now);
}

/** The code a unit shows; FADED when its kind is switched off. */
export function unitCode(unit: Unit, mode: ColorMode, now: number, faded: ReadonlySet<string>): number {
  const kind = kindOf(unit, mode, now);
  return faded.has(kind) ? FADED : codeOf(mode, kind);
}

/** The worse of two codes. A faded unit never outranks one that is shown. */
export function worse(a: number, b: number): number {
  const rank = (code: number) => (code === FADED ? 0.5 : code);
  return rank(a) >= rank(b) ? a : b;
}
