import { expect, test } from "vitest";
import { labelsOf, toldFacts } from "./labels";

const EVIDENCE = { units: [{ unit_id: "unit-1", sscc: "369012340000005012", probability: 1, reasons: [] }] };
const RECEIPTS = [{ unit_ids: ["unit-2"], ssccs: ["369012340000005029"] }];
const FACILITY = { thaw_evidence: [{ observation_id: "f:1:9", ssccs: ["369012340000005012"] }], thaw: null };

test("pallets are named by their labels, wherever the page has them from", () => {
  const labels = labelsOf([EVIDENCE, RECEIPTS, FACILITY, undefined]);
  expect(toldFacts({ unit_ids: ["unit-1", "unit-2", "unit-3"] }, labels, "en")["unit_ids"]).toEqual([
    "3 6901234 000000501 2",
    "3 6901234 000000502 9",
    "unit-3",
  ]);
  expect(toldFacts({ evidence_ids: ["f:1:9", "f:1:8"] }, labels, "en")["evidence_ids"]).toEqual(["3 6901234 000000501 2", "f:1:8"]);
});

test("amounts in fen are told as money", () => {
  const told = toldFacts({ available_fen: 123_450, key: "x" }, labelsOf([]), "en");
  expect(told["available"]).toBe("¥1,234.50");
  expect(told["key"]).toBe("x");
});
