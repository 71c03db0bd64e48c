import type { Witness } from "@shared/api/types";
import { expect, test } from "vitest";
import { isNewer, palletsText } from "./witness";

function saw(observation_id: string): Witness {
  return { observation_id, device_id: "forklift-1", modality: "position", at: "2026-11-23T06:01:00Z", unit_ids: [], ssccs: [] };
}

test("evidence that came in since is newer; evidence that was followed is not", () => {
  expect(isNewer([saw("f:1:1")], [saw("f:1:1"), saw("f:1:0")])).toBe(false);
  expect(isNewer([saw("f:1:1"), saw("f:1:2")], [saw("f:1:1")])).toBe(true);
});

test("a few pallets are named as on their labels, many are counted", () => {
  const words = (key: string, facts?: Record<string, unknown>) => `${key} ${Object.values(facts ?? {}).join()}`;
  expect(palletsText(["069012340000000012"], words)).toBe("bank.palletNamed 0 6901234 000000001 2");
  expect(palletsText(["1", "2", "3"], words)).toBe("bank.palletCount 3");
});
