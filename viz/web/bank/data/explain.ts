/** How a lendable amount comes about, step by step, in the order of the rule. */

import type { Facility, LendableExplained } from "@shared/api/types";

export type StepKey = "book" | "verified" | "modality" | "freshness" | "advance" | "claims";

export interface ExplainedStep {
  readonly key: StepKey;
  /** What is left after this step, in fen, rounded down. */
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

/** The rule rounds to fen at one place, this page at each step: more than this, in fen, is a difference. */
const ROUNDING_FEN = 100;

const MILLIONTHS = 1_000_000n;

/** A share of an amount, rounded down to fen; exact to a millionth, which floating point is not. */
function share(amountFen: number, factor: string | number): number {
  const millionths = BigInt(Math.round(Number(factor) * Number(MILLIONTHS)));
  return Number((BigInt(amountFen) * millionths) / MILLIONTHS);
}

/** min(book, verified low) × value × modality factor × freshness × advance rate − other claims. */
export function explainLendable(facility: Pick<Facility, "lendable_fen">, facts: LendableExplained): Explanation {
  const factors: [StepKey, (left: number) => number][] = [
    ["verified", () => Math.min(facts.book_units, facts.verified_low) * facts.unit_value_fen],
    ["modality", (left) => share(left, facts.modality_factor)],
    ["freshness", (left) => share(left, facts.freshness_factor)],
    ["advance", (left) => share(left, facts.advance_rate)],
    ["claims", (left) => Math.max(0, left - facts.other_claims_fen)],
  ];
  let left = facts.book_units * facts.unit_value_fen;
  const steps: ExplainedStep[] = [{ key: "book", left_fen: left, taken_fen: 0 }];
  for (const [key, apply] of factors) {
    const after = apply(left);
    steps.push({ key, left_fen: after, taken_fen: left - after });
    left = after;
  }
  return { steps, lendable_fen: facility.lendable_fen, differs: Math.abs(left - facility.lendable_fen) > ROUNDING_FEN };
}
