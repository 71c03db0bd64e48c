import type { Order, OrderState, Visit } from "@shared/api/types";
import { expect, test } from "vitest";
import { palletOf } from "./announce_dialog";
import { actsOf } from "./orders_table";
import { vehiclesToLoad } from "./release_dialog";

function anOrder(state: OrderState, picked_each = 0): Order {
  const line = { line_no: 1, sku: "CU", quantity_each: 4, picked_each, shipped_each: 0 };
  return { order_id: "o", reference: "SO-1", customer: "C", state, lines: [line], reasons: [], placed_at: "", ended_reason: null };
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

test("a release goes to a vehicle whose stay has not ended, those inside first", () => {
  const visits = (["left", "expected", "admitted"] as const).map((state) => ({ visit_id: state, state }) as Visit);
  expect(vehiclesToLoad(visits).map((visit) => visit.state)).toEqual(["admitted", "expected"]);
});

test("a pallet is sent in grams, its codes without the blanks that people group them by", () => {
  const line = { sscc: "3 6901234 000000012 4", epc_hex: " 3114 ", quantity_each: "40", expected_mass_g: "1 020.5" };
  expect(palletOf(line)).toEqual({ sscc: "369012340000000124", epc_hex: "3114", quantity_each: 40, expected_mass_g: 1_020_500 });
});
