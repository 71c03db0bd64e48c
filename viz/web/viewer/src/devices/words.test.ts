import type { QuarantineRow } from "@shared/api/types";
import { expect, test } from "vitest";
import { aDevice, aQuarantineRow } from "./builders";
import { byUrgency, fieldText, grouped, mergeQuarantine, minutesLeft, phraseKey, shownState, skewText } from "./words";

const told = (key: string, facts = {}) => `${key} ${JSON.stringify(facts)}`;

test("what wants a person stands first, and by name within that", () => {
  const devices = [
    aDevice({ device_id: "b" }),
    aDevice({ device_id: "a" }),
    aDevice({ device_id: "gone", retired_at: "2026-11-23T05:00:00Z", state: "fault" }),
    aDevice({ device_id: "gap", state: "gap" }),
    aDevice({ device_id: "broken", state: "fault" }),
    aDevice({ device_id: "silent", state: "offline" }),
  ];
  expect(devices.sort(byUrgency).map((device) => device.device_id)).toEqual(["broken", "gap", "silent", "a", "b", "gone"]);
  expect(shownState(devices.at(-1)!)).toBe("retired");
});

test.each([
  [null, "devices.clockUnknown {}"],
  [-999, "devices.clockRight {}"],
  [2_440, 'devices.clockAhead {"amount":2.4,"unit":"s"}'],
  [-600_000, 'devices.clockBehind {"amount":10,"unit":"min"}'],
])("a clock that is %s ms ahead is told as %s", (skewMs, text) => {
  expect(skewText(skewMs, told)).toBe(text);
});

test("a name of the server is found by its letters and digits, and shown as it is where it has no text", () => {
  const has = (key: string) => key === "fields.point_x_m";
  expect(phraseKey("point.x_m")).toBe("point_x_m");
  expect(fieldText("point.x_m", told, has)).toBe("fields.point_x_m {}");
  expect(fieldText("header.length", told, has)).toBe("header.length");
});

test("a code that lives for 15 minutes is not told to live for 16, by however little our clock is behind", () => {
  expect([900_400, 899_000, 61_000, 20_000].map(minutesLeft)).toEqual([15, 15, 1, 1]);
});

test("a code is read out in fours", () => {
  expect(grouped("NDR8785T7A97")).toBe("NDR8 785T 7A97");
});

test("a row that came again has its newest count, and what came last stands first", () => {
  const rows: QuarantineRow[] = [aQuarantineRow({ quarantine_id: "q1" }), aQuarantineRow({ quarantine_id: "q2" })];
  const again = aQuarantineRow({ quarantine_id: "q1", times: 7, last_received_at: "2026-11-23T07:00:00Z" });
  const merged = mergeQuarantine(rows, [again]);
  expect(merged.map((row) => [row.quarantine_id, row.times])).toEqual([["q1", 7], ["q2", 1]]);
});
