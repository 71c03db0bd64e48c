import { expect, test } from "vitest";
import { aLayout, anAsset, aRack, aUnit } from "./builders";
import { siteFrame } from "./frame";
import { FOUND_MAX, search } from "./search";

const units = [
  aUnit(),
  aUnit({ unit_id: "unit-2", sscc: "369012340000000131", epc_hex: null, slot_id: "A01-02-1", sku: "ZINC-SHG" }),
];
const layout = aLayout({
  racks: [aRack(), aRack({ rack_id: "A02" })],
  zones: [{ zone_id: "dock", kind: "dock", outline_mm: [[0, 0], [1, 0], [1, 1]], name_en: "Dock", name_zh: "月台" }],
});
const { slots } = siteFrame(layout);
const find = (query: string, isChinese = false) => search(query, { layout, slots, units, assets: [anAsset()], lots: new Map([["lot-1", { code: "CU-2026-0001" }]]), isChinese });
const ids = (query: string) => find(query).map((row) => `${row.kind}:${row.id}`);

test.each([
  ["3690 1234 0000 000 124", "unit:unit-1"],
  ["3114e1c2d4", "unit:unit-1"],
  ["zinc", "unit:unit-2"],
  ["a01 02 1", "unit:unit-2"],
  ["A02", "rack:A02"],
  ["dock", "zone:dock"],
  ["forklift", "asset:forklift-1"],
])("%s finds %s, whatever spaces and case", (query, expected) => {
  expect(ids(query)).toContain(expected);
});

test("an empty slot is found by its code, and a taken one by its pallet", () => {
  expect(ids("A02-01-1")).toEqual(["slot:A02-01-1"]);
  expect(ids("A01-02-1")).toEqual(["unit:unit-2"]);
});

test("a zone is found by its name in the language in force", () => {
  expect(find("月台", true)[0]).toMatchObject({ kind: "zone", title: "月台" });
});

test("a lot is found once, with the number of its pallets", () => {
  expect(find("cu 2026")[0]).toEqual({ kind: "lot", id: "lot-1", title: "CU-2026-0001", detail: "COPPER-A", count: 2 });
});

test("nothing is found by an empty query, and never more than fits", () => {
  expect(find("  -- ")).toEqual([]);
  const many = Array.from({ length: 500 }, (_, at) => aUnit({ unit_id: `u${at}` }));
  expect(search("copper", { layout, slots, units: many, assets: [], lots: new Map(), isChinese: false })).toHaveLength(FOUND_MAX);
});
