import { beforeEach, expect, test } from "vitest";
import type { KeptScan } from "../queue/store";
import { setLocale } from "../texts";
import { refusalText } from "./outcome";

beforeEach(() => setLocale("zh"));

const refused = (key: string, facts: Record<string, unknown> = {}) => refusalText({ key, facts } as unknown as KeptScan);

test("what cannot be put in words for a worker is told without ids, field names and rules", () => {
  expect(refused("stock.held", { unit_ids: ["unit_01M8"], hold_id: "hold_01M8" })).toBe("该托盘已冻结，不得移动。");
  const told = refused("scan.not_recorded", { field: "code", rule: "at most 512 characters" });
  expect(told).toContain("未能记录");
  expect(told).not.toMatch(/code|characters/);
});

test("a clock that runs wrong is told as that", () => {
  expect(refused("scan.not_recorded", { field: "observed_at", rule: "not before 2020-01-01" })).toContain("时");
});
