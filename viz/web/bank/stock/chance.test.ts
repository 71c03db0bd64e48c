import { expect, test } from "vitest";
import { chanceText } from "./chance";

test("nothing is told as certain that is not", () => {
  expect(chanceText(0.99997, "en")).toBe("> 99.99%");
  expect(chanceText(0.00001, "en")).toBe("< 0.01%");
  expect([0, 0.5, 0.9999, 1].map((share) => chanceText(share, "en"))).toEqual(["0%", "50%", "99.99%", "100%"]);
});
