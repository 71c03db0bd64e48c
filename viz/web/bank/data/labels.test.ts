import { expect, test } from "vitest";
import { palletsSeen, seenByObservation } from "./labels";

const FACILITY = { thaw_evidence: [{ observation_id: "f:1:9", ssccs: ["369012340000005012"] }], thaw: null };
const OTHER = { thaw: { evidence: [{ observation_id: "f:1:7", ssccs: ["369012340000005012"] }] } };

test("observations are told as the pallets they saw, each once, wherever the page has them from", () => {
  const seen = seenByObservation([[FACILITY], OTHER, undefined]);
  expect(palletsSeen(["f:1:9", "f:1:7", "f:1:8"], seen)).toEqual(["3 6901234 000000501 2", "f:1:8"]);
});
