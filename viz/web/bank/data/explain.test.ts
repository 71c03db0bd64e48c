import type { LendableExplained } from "@shared/api/types";
import { expect, test } from "vitest";
import { explainLendable } from "./explain";

const FACTS: LendableExplained = {
  book_units: 100,
  verified_low: 96,
  modalities: ["tag", "mass"],
  modality_factor: "0.9",
  freshness_factor: "0.5",
  advance_rate: "0.70",
  unit_value_fen: 1_000_000,
  other_claims_fen: 240_000,
};

test("each step takes away from what the one before left", () => {
  const { steps, differs } = explainLendable({ lendable_fen: 30_000_000 }, FACTS);
  expect(steps.map((step) => [step.key, step.left_fen])).toEqual([
    ["book", 100_000_000],
    ["verified", 96_000_000],
    ["modality", 86_400_000],
    ["freshness", 43_200_000],
    ["advance", 30_240_000],
    ["claims", 30_000_000],
  ]);
  expect(steps.reduce((sum, step) => sum + step.taken_fen, 0)).toBe(70_000_000);
  expect(differs).toBe(false);
});

test("stock beyond the books counts for nothing", () => {
  const { steps } = explainLendable({ lendable_fen: 0 }, { ...FACTS, verified_low: 140 });
  expect(steps[1]).toMatchObject({ key: "verified", left_fen: 100_000_000, taken_fen: 0 });
});

test("claims larger than the value leave nothing, not less", () => {
  const { steps } = explainLendable({ lendable_fen: 0 }, { ...FACTS, other_claims_fen: 10 ** 12 });
  expect(steps.at(-1)?.left_fen).toBe(0);
});

test("says so when the server ends elsewhere", () => {
  expect(explainLendable({ lendable_fen: 29_000_000 }, FACTS).differs).toBe(true);
});
