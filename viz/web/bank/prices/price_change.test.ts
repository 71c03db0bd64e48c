import type { Price } from "@shared/api/types";
import { expect, test } from "vitest";
import { changeOf, fenPerTonne, inForce, verdict } from "./price_change";

const price = (changes: Partial<Price>) => ({ sku: "RICE", currency: "CNY", price_fen_each: 10_000, standing: "counts", ...changes }) as Price;

test("of all prices of the goods the one that counts is in force", () => {
  const prices = [price({ standing: "waiting" }), price({ sku: "CU" }), price({ standing: "replaced" }), price({ price_id: "now" })];
  expect(inForce(prices, "RICE")?.price_id).toBe("now");
  expect(inForce(prices, "AL")).toBeNull();
});

test("a first and a higher price wait for a second person, any other counts at once", () => {
  expect(verdict(1, null)).toBe("first");
  expect(verdict(10_001, price({}))).toBe("higher");
  expect(verdict(10_000, price({}))).toBe("at_once");
  expect(verdict(9_999, price({}))).toBe("at_once");
});

test("the change is told against the price in force", () => {
  expect(changeOf(10_500, price({}))).toBeCloseTo(0.05);
  expect(changeOf(10_500, null)).toBeNull();
});

test("goods with a stated mass are priced by the tonne too", () => {
  expect(fenPerTonne(180_000, 25_000)).toBe(7_200_000);
  expect(fenPerTonne(180_000, 0)).toBeNull();
});
