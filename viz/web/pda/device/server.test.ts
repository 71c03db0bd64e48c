import type { ScanAnswer } from "@shared/api/types";
import { describe, expect, it, test } from "vitest";
import { kindOf, withQuestions } from "./server";

describe("kindOf", () => {
  it.each([
    [401, "session.ended", "signed_out"],
    [403, "session.csrf", "signed_out"],
    [401, "device.unknown", "device_refused"],
    [403, "scan.other_device", "device_refused"],
    [503, "unavailable", "away"],
    [500, "http", "away"],
    [429, "http", "away"],
    [409, "idempotency.conflict", "refused"],
    [422, "scan.code", "refused"],
    [403, "access.denied", "refused"],
  ] as const)("sorts %i %s as %s", (status, key, kind) => {
    expect(kindOf(status, key)).toBe(kind);
  });
});

test("a pallet that the server wants a place for is a question, not a refusal", () => {
  const result = { sequence: 1, outcome: "refused", facts: {}, task: null } as const;
  const answer: ScanAnswer = {
    acked_through: { boot: 1, sequence: 2 },
    results: [
      { ...result, key: "scan.place_missing" },
      { ...result, sequence: 2, key: "scan.wrong_slot" },
    ],
  };
  expect(withQuestions(answer).results).toMatchObject([
    { outcome: "noted", key: null },
    { outcome: "refused", key: "scan.wrong_slot" },
  ]);
});
