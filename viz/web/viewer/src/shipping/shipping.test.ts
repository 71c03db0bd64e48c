import type { Order, OrderState, Visit } from "@shared/api/types";
import { expect, test } from "vitest";
import { palletOf } from "./announce_dialog";
import { actsOf, lacking, reasonsShown } from "./orders_table";
import { vehiclesToLoad } from "./release_dialog";

function anOrder(state: OrderState, picked_each = 0, is_releasable = picked_each > 0): Order {
  const line = { line_no: 1, sku: "CU", quantity_each: 4, reserved_each: 0, picked_each, shipped_each: 0, state: "waiting" as const };
  return { order_id: "o", reference: "SO-1", customer: "C", state, lines: [line], reasons: [], placed_at: "", ended_reason: null, is_releasable };
}

test.each([
  ["held", 0, ["accept", "refuse"]],
  ["received", 0, ["allocate", "cancel"]],
  ["short", 0, ["allocate", "cancel"]],
  ["short", 2, ["release", "allocate"]],
  ["allocated", 0, ["cancel"]],
  ["ready", 4, ["release"]],
  ["shipped", 0, []],
] as const)("an order that is %s with %s picked offers %j", (state, picked, acts) => {
  expect(actsOf(anOrder(state, picked))).toEqual(acts);
});

test("a line that is refused is not said to wait for a person too", () => {
  const reason = (line_no: number, rule: string) => ({ line_no, key: `orders.row.${rule}`, facts: {} });
  const refused = { ...anOrder("refused"), reasons: [reason(1, "unknown_sku"), reason(1, "large_quantity"), reason(2, "large_quantity")] };
  expect(reasonsShown(refused)).toEqual([reason(1, "unknown_sku"), reason(2, "large_quantity")]);
});

test("an order that is short says what is still wanted of which item", () => {
  const [line] = anOrder("short", 1).lines;
  const refused = { ...line!, line_no: 3, sku: "FE", state: "refused" as const };
  const lines = [{ ...line!, reserved_each: 1 }, { ...line!, line_no: 2, sku: "AL", picked_each: 4 }, refused];
  expect(lacking({ ...anOrder("short"), lines })).toEqual([{ sku: "CU", each: 2 }]);
  expect(lacking({ ...anOrder("picking"), lines })).toEqual([]);
});

test("what is under a release already is not offered for another", () => {
  expect(actsOf(anOrder("ready", 4, false))).toEqual([]);
  expect(actsOf(anOrder("short", 2, false))).toEqual(["allocate"]);
});

test("a release goes to a vehicle that collects and whose stay has not ended, those inside first", () => {
  const visits = (["left", "expected", "admitted"] as const).map((state) => ({ visit_id: state, state, purpose: "pickup" }) as Visit);
  const bringing = { visit_id: "b", state: "admitted", purpose: "delivery" } as Visit;
  expect(vehiclesToLoad([bringing, ...visits]).map((visit) => visit.visit_id)).toEqual(["admitted", "expected"]);
});

test("a pallet is sent in grams, its codes without the blanks that people group them by", () => {
  const line = { sscc: "3 6901234 000000012 4", epc_hex: " 3114 ", quantity_each: "40", expected_mass_g: "1 020.5" };
  expect(palletOf(line)).toEqual({ sscc: "369012340000000124", epc_hex: "3114", quantity_each: 40, expected_mass_g: 1_020_500 });
});
