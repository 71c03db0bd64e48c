import type { AlarmEvidence } from "./api/types";
import { expect, test } from "vitest";
import { inOrder, seenText } from "./seen";

const evidence = (summary: string): AlarmEvidence => ({
  observation_id: "gate-1-reader:7:12",
  device_id: "gate-1-reader",
  modality: "tag",
  at: "2026-11-23T06:00:00Z",
  summary,
});
const told = (key: string, facts = {}) => `${key} ${JSON.stringify(facts)}`;

test.each([
  ["3174257BF4499602D2000000 out", 'saw.tag_out {"pallet":"1 0614141 234567890 8"}'],
  ["3074257BF7194E4000001A85 in", 'saw.tag_in {"pallet":"3074257BF7194E4000001A85"}'],
  ["24380 kg in", 'saw.mass_in {"kg":24380}'],
  ["3174257BF4499602D2000000 inside", 'saw.tag_inside {"pallet":"1 0614141 234567890 8"}'],
  ["3174257BF4499602D2000000 by", 'saw.tag_by {"pallet":"1 0614141 234567890 8"}'],
  ["loop passed, boom not shut", "saw.loop_passed {}"],
  ["-120 kg net", 'saw.mass_net {"kg":-120}'],
  ["number 12 of boot 7", 'saw.number_again {"number":12,"boot":7}'],
  ["from 10.0.0.8, 10.0.0.9", 'saw.connections {"addresses":"10.0.0.8, 10.0.0.9"}'],
  ["013912345678 from 10.0.0.8:411", 'saw.connections {"addresses":"10.0.0.8:411"}'],
  ["two connections", "saw.two_connections {}"],
])("%s is told in words", (note, text) => {
  expect(seenText(evidence(note), told)).toBe(text);
});

test("what a device said twice stands once, at its first time", () => {
  const first = evidence("3174257BF4499602D2000000 out");
  const again = { ...first, observation_id: "gate-1-reader:7:13", at: "2026-11-23T06:00:01Z" };
  const weighed = { ...evidence("8100 kg in"), device_id: "weighbridge-1", at: "2026-11-23T05:59:00Z" };
  expect(inOrder([again, first, weighed])).toEqual([
    { first: weighed, count: 1 },
    { first, count: 2 },
  ]);
});

test("observations of which only the id is known stay apart", () => {
  const other = { ...evidence(""), observation_id: "gate-1-reader:7:13" };
  expect(inOrder([evidence(""), other])).toHaveLength(2);
});

test("a note in another form is told as it is", () => {
  expect(seenText(evidence("seal broken"), (key) => key)).toBe("seal broken");
});

test("without a note the kind of sensor is told", () => {
  expect(seenText(evidence(""), (key) => key)).toBe("modality.tag");
});
