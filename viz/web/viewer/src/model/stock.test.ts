import { describe, expect, test } from "vitest";
import { aLayout, aRack, aUnit } from "./builders";
import { siteFrame } from "./frame";
import { ageClass, codeOf, EMPTY, FADED, unitCode, worse } from "./looks";
import { packBay, Stock, worstOfBay } from "./stock";

const NOW = Date.parse("2026-11-23T06:00:00Z");
const NONE = new Set<string>();
const aStock = () => new Stock(siteFrame(aLayout()));
const evidence = (key: "verified" | "seen" | "claimed" | "missing") => codeOf("evidence", key);

describe("codes", () => {
  test("each slot shows the evidence of its unit, and empty slots show nothing", () => {
    const stock = aStock();
    stock.put([aUnit(), aUnit({ unit_id: "unit-2", slot_id: "A01-02-2", evidence: "missing" })]);
    expect([...stock.codes("evidence", NOW, NONE)]).toEqual([evidence("verified"), 0, 0, evidence("missing"), 0, 0]);
  });

  test("a slot that two units claim shows the worse of them", () => {
    const stock = aStock();
    stock.put([aUnit({ evidence: "claimed" }), aUnit({ unit_id: "unit-2", evidence: "verified" })]);
    expect(stock.codes("evidence", NOW, NONE)[0]).toBe(evidence("claimed"));
    expect(stock.unitsAt(0)).toHaveLength(2);
  });

  test("a unit that moved leaves its old slot empty", () => {
    const stock = aStock();
    stock.put([aUnit()]);
    stock.put([aUnit({ slot_id: "A01-03-1" })]);
    const codes = stock.codes("evidence", NOW, NONE);
    expect(codes[0]).toBe(EMPTY);
    expect(codes[4]).toBe(evidence("verified"));
  });

  test("a unit in a slot the layout does not have is known but stands nowhere", () => {
    const stock = aStock();
    stock.put([aUnit({ slot_id: "Z99-01-1" })]);
    expect(stock.units.size).toBe(1);
    expect([...stock.codes("evidence", NOW, NONE)].every((code) => code === EMPTY)).toBe(true);
  });

  test("a full reading replaces what was known", () => {
    const stock = aStock();
    stock.put([aUnit()]);
    stock.replace([aUnit({ unit_id: "unit-9", slot_id: "A01-02-1" })]);
    expect([...stock.units.keys()]).toEqual(["unit-9"]);
    expect(stock.codes("evidence", NOW, NONE)[0]).toBe(EMPTY);
  });

  test("units in staging with a point are loose, those on a truck are out of sight", () => {
    const stock = aStock();
    const point = { x_m: 1, y_m: 2, z_m: 0 };
    stock.put([
      aUnit({ unit_id: "staged", place: "staging", slot_id: null, point }),
      aUnit({ unit_id: "loaded", place: "vehicle", slot_id: null, point }),
      aUnit({ unit_id: "nowhere", place: "unknown", slot_id: null, point: null }),
    ]);
    expect(stock.loose().map((unit) => unit.unit_id)).toEqual(["staged"]);
  });
});

describe("the worst of a bay", () => {
  test("one missing pallet among verified ones makes the far bay missing, never an average", () => {
    const codes = Uint8Array.from([evidence("verified"), evidence("missing"), evidence("verified")]);
    expect(worstOfBay(codes, 0, 3)).toBe(evidence("missing"));
  });

  test("evidence gets worse from verified over seen and claimed to missing", () => {
    const order = (["verified", "seen", "claimed", "missing"] as const).map(evidence);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  test("a faded pallet never hides one that is shown", () => {
    expect(worse(FADED, evidence("verified"))).toBe(evidence("verified"));
    expect(worse(EMPTY, FADED)).toBe(FADED);
  });
});

test("levels are packed four bits each, level 1 lowest, the ninth level in the second word", () => {
  const codes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 15, 9]);
  expect(packBay(codes, 0, 9)).toEqual([0xf7654321, 0x9]);
});

test.each([
  ["2026-11-23T05:30:00Z", "hour"],
  ["2026-11-23T05:00:00Z", "day"],
  ["2026-11-22T06:00:00Z", "days"],
  ["2026-11-20T06:00:00Z", "week"],
  ["2026-11-16T06:00:00Z", "old"],
  [null, "never"],
] as const)("a unit seen at %s has the age class %s", (at, expected) => {
  expect(ageClass(at, NOW)).toBe(expected);
});

test("a kind that is switched off fades its units", () => {
  expect(unitCode(aUnit(), "evidence", NOW, new Set(["verified"]))).toBe(FADED);
  expect(unitCode(aUnit(), "status", NOW, new Set(["verified"]))).toBe(codeOf("status", "free"));
});

test("racks of different heights keep their own slots", () => {
  const stock = new Stock(siteFrame(aLayout({ racks: [aRack({ levels: 1 }), aRack({ rack_id: "B01", levels: 3 })] })));
  stock.put([aUnit({ slot_id: "B01-01-3" })]);
  expect([...stock.codes("evidence", NOW, NONE)].findIndex((code) => code !== EMPTY)).toBe(5);
});
