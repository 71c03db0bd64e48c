import type { AlarmEvidence } from "@shared/api/types";
import { expect, test } from "vitest";
import { seenText } from "./seen_text";

const evidence = (summary: string): AlarmEvidence => ({
  observation_id: "gate-1-reader:7:12",
  device_id: "gate-1-reader",
  modality: "tag",
  at: "2026-11-23T06:00:00Z",
  summary,
});
const told = (key: string, facts = {}) => `${key} ${JSON.stringify(facts)}`;

test.each([
  ["3174257BF4499602D2000000 out", 'bank.saw.tag_out {"pallet":"1 0614141 234567890 8"}'],
  ["3074257BF7194E4000001A85 in", 'bank.saw.tag_in {"pallet":"3074257BF7194E4000001A85"}'],
  ["24380 kg in", 'bank.saw.mass_in {"kg":24380}'],
  ["-120 kg net", 'bank.saw.mass_net {"kg":-120}'],
])("%s is told in words", (note, text) => {
  expect(seenText(evidence(note), told)).toBe(text);
});

test("a note in another form is told as it is", () => {
  expect(seenText(evidence("seal broken"), (key) => key)).toBe("seal broken");
});

test("without a note the kind of sensor is told", () => {
  expect(seenText(evidence(""), (key) => key)).toBe("modality.tag");
});
