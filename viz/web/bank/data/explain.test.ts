import type { LendableExplained, Valuation } from "@shared/api/types";
import { expect, test } from "vitest";
import { explainLendable } from "./explain";

function aValuation(changes: Partial<Valuation> = {}): Valuation {
  return {
    receipt_id: "receipt-1",
    book_units: 100,
    verified_low: 96,
    counted_each: 96,
    unweighed_each: 0,
    modalities: ["tag", "mass"],
    modality_factor: "0.9",
    freshness_factor: "0.5",
    advance_rate: "0.70",
    unit_value_fen: 1_000_000,
    value_fen: 96_000_000,
    other_claims_fen: 240_000,
    lendable_fen: 30_000_000,
    age_h: 1,
    priced_at: null,
    price_source: "",
    ...changes,
  };
}

function facility(lendable_fen: number, ...parts: Valuation[]) {
  const lendable_explained: LendableExplained = { ...aValuation(), parts };
  return { lendable_fen, lendable_explained };
}

test("each step takes away from what the one before left", () => {
  const { steps, differs } = explainLendable(facility(30_000_000, aValuation()));
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

test("pledges with different factors add up, each by its own", () => {
  const second = aValuation({ freshness_factor: "1", other_claims_fen: 0 });
  const { steps, differs } = explainLendable(facility(90_480_000, aValuation(), second));
  expect(steps.at(-1)?.left_fen).toBe(90_480_000);
  expect(differs).toBe(false);
});

test("stock beyond the books adds nothing", () => {
  const { steps } = explainLendable(facility(0, aValuation({ verified_low: 100, counted_each: 100, value_fen: 100_000_000 })));
  expect(steps[1]).toMatchObject({ key: "verified", left_fen: 100_000_000, taken_fen: 0 });
});

test("claims larger than the value leave nothing, not less, and do not eat into another pledge", () => {
  const drowned = aValuation({ other_claims_fen: 10 ** 12 });
  expect(explainLendable(facility(0, drowned)).steps.at(-1)?.left_fen).toBe(0);
  expect(explainLendable(facility(0, drowned, aValuation())).steps.at(-1)?.left_fen).toBe(30_000_000);
});

test("says so when the server ends elsewhere", () => {
  expect(explainLendable(facility(29_000_000, aValuation())).differs).toBe(true);
});
