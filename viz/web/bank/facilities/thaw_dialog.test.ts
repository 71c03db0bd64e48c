import type { Evidence } from "@shared/api/types";
import { expect, test } from "vitest";
import { newerThan } from "./thaw_dialog";

type Reason = Evidence["units"][number]["reasons"][number];

function lotWith(...reasons: Reason[]): Evidence {
  const unit = { unit_id: "unit-1", probability: 1, reasons };
  return { units: [unit] } as unknown as Evidence;
}

function saw(observation_id: string, at: string): Reason {
  return { observation_id, modality: "tag", at, text_key: "" };
}

test("only what was seen after the freeze is offered, newest first and each observation once", () => {
  const before = saw("r:1:1", "2026-11-23T05:59:59Z");
  const first = saw("r:1:2", "2026-11-23T06:01:00Z");
  const second = saw("r:1:3", "2026-11-23T06:02:00Z");
  const offered = newerThan([lotWith(before, first), lotWith(first, second)], "2026-11-23T06:00:00Z");
  expect(offered.map((seen) => seen.observation_id)).toEqual(["r:1:3", "r:1:2"]);
});
