/** Counts of the stock on the site, for the summary and the legend. Units that left are not counted. */
import type { Modality, Unit } from "@shared/api/types";
import { kindOf, type ColorMode } from "./looks";

export interface Tally {
  total: number;
  /** Units that two independent kinds of sensor agree on. */
  verified: number;
  /** Units at least one sensor saw, the verified ones included. */
  seen: number;
  missing: number;
  alarmed: number;
  byKind: Map<string, number>;
  byModality: Record<Modality, number>;
}

export function tally(units: Iterable<Unit>, mode: ColorMode, now: number): Tally {
  const counts: Tally = {
    total: 0,
    verified: 0,
    seen: 0,
    missing: 0,
    alarmed: 0,
    byKind: new Map(),
    byModality: { tag: 0, mass: 0, position: 0, sight: 0 },
  };
  for (const unit of units) {
    if (unit.place !== "left") add(counts, unit, kindOf(unit, mode, now));
  }
  return counts;
}

function add(counts: Tally, unit: Unit, kind: string): void {
  counts.total += 1;
  if (unit.evidence === "verified") counts.verified += 1;
  if (unit.evidence === "verified" || unit.evidence === "seen") counts.seen += 1;
  if (unit.evidence === "missing") counts.missing += 1;
  if (unit.alarm !== null) counts.alarmed += 1;
  counts.byKind.set(kind, (counts.byKind.get(kind) ?? 0) + 1);
  for (const modality of unit.modalities) counts.byModality[modality] += 1;
}
