import { expect, test } from "vitest";
import { aUnit } from "./builders";
import { tally } from "./tally";

const NOW = Date.parse("2026-11-23T06:00:00Z");

test("units are counted by evidence and by modality; those that left are not", () => {
  const counts = tally(
    [
      aUnit(),
      aUnit({ evidence: "seen", modalities: ["tag"], alarm: "check" }),
      aUnit({ evidence: "claimed", modalities: [] }),
      aUnit({ evidence: "missing", modalities: [] }),
      aUnit({ place: "left" }),
    ],
    "evidence",
    NOW,
  );
  expect(counts).toMatchObject({ total: 4, verified: 1, seen: 2, missing: 1, alarmed: 1 });
  expect(counts.byModality).toEqual({ tag: 2, mass: 0, position: 1, sight: 0 });
  expect(Object.fromEntries(counts.byKind)).toEqual({ verified: 1, seen: 1, claimed: 1, missing: 1 });
});

test("the legend's counts follow the mode", () => {
  const units = [aUnit({ status: "pledged" }), aUnit({ status: "pledged" }), aUnit({ last_seen_at: null })];
  expect(tally(units, "status", NOW).byKind.get("pledged")).toBe(2);
  expect(tally(units, "age", NOW).byKind.get("never")).toBe(1);
});
