import { beforeEach, expect, test } from "vitest";
import { aLayout, anAlarm, aUnit } from "../model/builders";
import { siteFrame } from "../model/frame";
import { Stock } from "../model/stock";
import { ACTIVITY_MAX, mergeActivity, mergeAlarms, takeMessage, useSite } from "./site";

const ids = (alarms: { alarm_id: string }[]) => alarms.map((alarm) => alarm.alarm_id);

beforeEach(() => {
  const frame = siteFrame(aLayout());
  useSite.setState({ frame, stock: new Stock(frame), stockVersion: 0, alarms: [], activity: [], barriers: new Map() });
});

test("alarms stand unacknowledged first, then by grade, then newest first", () => {
  const alarms = mergeAlarms([], [
    anAlarm({ alarm_id: "cleared", grade: "freeze", state: "cleared" }),
    anAlarm({ alarm_id: "taken", grade: "freeze", acknowledged_at: "2026-11-23T05:59:30Z" }),
    anAlarm({ alarm_id: "check-old", raised_at: "2026-11-23T05:00:00Z" }),
    anAlarm({ alarm_id: "check-new" }),
    anAlarm({ alarm_id: "freeze", grade: "freeze", raised_at: "2026-11-22T00:00:00Z" }),
  ]);
  expect(ids(alarms)).toEqual(["freeze", "check-new", "check-old", "taken", "cleared"]);
});

test("a newer state of an alarm takes the place of the older", () => {
  const merged = mergeAlarms([anAlarm()], [anAlarm({ state: "cleared" })]);
  expect(merged).toHaveLength(1);
  expect(merged[0]!.state).toBe("cleared");
});

test("activity is newest first, each row once, and bounded", () => {
  const row = (at: number) => ({ cursor: `c${at}`, at: new Date(at * 1000).toISOString(), kind: "unit_crossed", text_key: "", facts: {} });
  const rows = Array.from({ length: ACTIVITY_MAX + 50 }, (_, at) => row(at));
  const merged = mergeActivity(rows.slice(0, 100), rows);
  expect(merged).toHaveLength(ACTIVITY_MAX);
  expect(merged[0]!.cursor).toBe(`c${ACTIVITY_MAX + 49}`);
});

test("changed units reach the stock and count as a new version", () => {
  takeMessage({ type: "units", revision: 4, units: [aUnit()] });
  const state = useSite.getState();
  expect(state.stock!.units.has("unit-1")).toBe(true);
  expect(state).toMatchObject({ stockVersion: 1, revision: 4 });
});

test("an alarm frame leaves the cursor to go on from", () => {
  takeMessage({ type: "alarm", cursor: "a17", alarm: anAlarm({ grade: "freeze" }) });
  expect(useSite.getState().alarmCursor).toBe("a17");
  expect(ids([...useSite.getState().alarms])).toEqual(["alarm-1"]);
});

test("the newest state of a barrier replaces the older, others stay", () => {
  const barrier = { device_id: "b", at: "2026-11-23T06:00:00Z" };
  takeMessage({ type: "barrier", gate_id: "gate-1", is_open: true, ...barrier });
  takeMessage({ type: "barrier", gate_id: "gate-2", is_open: true, ...barrier });
  takeMessage({ type: "barrier", gate_id: "gate-1", is_open: false, ...barrier });
  const { barriers } = useSite.getState();
  expect(barriers.get("gate-1")!.is_open).toBe(false);
  expect(barriers.get("gate-2")!.is_open).toBe(true);
});

test("a kind of frame from a newer server is passed over", () => {
  const before = useSite.getState();
  takeMessage({ type: "weather" } as never);
  expect(useSite.getState()).toBe(before);
});
