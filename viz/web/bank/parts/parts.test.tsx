import type { HistoryEntry } from "@shared/api/types";
import { expect, test } from "vitest";
import { compare } from "./data_table";
import { lastOfRuns, sentence } from "./parts";

function entry(kind: string, minute: number): HistoryEntry {
  return { kind, at: `2026-11-23T06:${String(minute).padStart(2, "0")}:00Z`, by: "", by_name: null, facts: {} };
}

test("of a run of valuations only the newest is told", () => {
  const newest = [entry("revalued", 9), entry("revalued", 8), entry("pledged", 7), entry("revalued", 6)];
  expect(lastOfRuns(newest, "revalued").map((one) => one.at.slice(14, 16))).toEqual(["09", "07", "06"]);
});

test("other kinds are told each time", () => {
  expect(lastOfRuns([entry("repaid", 2), entry("repaid", 1)], "revalued")).toHaveLength(2);
});

test("a key without a text shows as words", () => {
  expect(sentence((key) => key, "alarm.exit_without_release", {})).toBe("exit without release");
  expect(sentence(() => "Pallets left.", "alarm.exit_without_release", {})).toBe("Pallets left.");
});

test("columns sort amounts by size and names by letter, and empty cells come together", () => {
  expect(["10.00", "9.50", "-3.00"].sort(compare)).toEqual(["-3.00", "9.50", "10.00"]);
  expect(["Nanshan", "Hengfa"].sort(compare)).toEqual(["Hengfa", "Nanshan"]);
  expect(["b", null, "a"].sort(compare)[0]).toBeNull();
});
