/** How a lendable amount comes about, step by step, in the order of the rule, summed over all pledges. */

import type { Facility, Valuation } from "@shared/api/types";

export type StepKey = "book" | "verified" | "modality" | "freshness" | "advance" | "claims";

export interface ExplainedStep {
  readonly key: StepKey;
  /** What is left after this step, in fen, rounded down for each pledge. */
  readonly left_fen: number;
  /** What this step took away, in fen; zero for the first. */
  readonly taken_fen: number;
}

export interface Explanation {
  readonly steps: readonly ExplainedStep[];
  /** What the server says; the steps explain it and never replace it. */
  readonly lendable_fen: number;
  /** True when the steps end elsewhere than the server: its rule then knows more than is shown here. */
  readonly differs: boolean;
}

/** The rule rounds once for each pledge, this page at each step: more than this, in fen a pledge, differs. */
const ROUNDING_FEN = 100;

const ORDER: readonly StepKey[] = ["book", "verified", "modality", "freshness", "advance", "claims"];

/** Counted units × value × modality factor × freshness × advance rate − other claims, for each pledge. */
export function explainLendable(facility: Pick<Facility, "lendable_fen" | "lendable_explained">): Explanation {
  const { lendable_fen, lendable_explained: sum } = facility;
  const parts = (sum.parts.length > 0 ? sum.parts : [sum]).map(amountsLeft);
  const steps: ExplainedStep[] = [];
  for (const key of ORDER) {
    const left_fen = parts.reduce((total, part) => total + part[key], 0);
    steps.push({ key, left_fen, taken_fen: (steps.at(-1)?.left_fen ?? left_fen) - left_fen });
  }
  const end = steps.at(-1)?.left_fen ?? 0;
  return { steps, lendable_fen, differs: Math.abs(end - lendable_fen) > ROUNDING_FEN * parts.length };
}

/**
 * What each step leaves of one pledge. Units that were not counted, and pieces beyond what was weighed, are shown at
 * the mean value of the counted.
 */
function amountsLeft(part: Valuation): Record<StepKey, number> {
  const uncounted = Math.max(0, part.book_units - part.verified_low);
  const unweighed_fen = part.counted_each > 0 ? Math.floor((part.value_fen / part.counted_each) * part.unweighed_each) : 0;
  const book = part.value_fen + unweighed_fen + uncounted * part.unit_value_fen;
  const modality = share(part.value_fen, part.modality_factor);
  const freshness = share(modality, part.freshness_factor);
  const advance = share(freshness, part.advance_rate);
  const claims = Math.max(0, advance - part.other_claims_fen);
  return { book, verified: part.value_fen, modality, freshness, advance, claims };
}

const MILLIONTHS = 1_000_000n;

/** A share of an amount, rounded down to fen; exact to a millionth, which floating point is not. */
function share(amountFen: number, factor: string | number): number {
  const millionths = BigInt(Math.round(Number(factor) * Number(MILLIONTHS)));
  return Number((BigInt(amountFen) * millionths) / MILLIONTHS);
}
