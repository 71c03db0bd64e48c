import { expect, test } from "vitest";
import { fieldText, momentOf, momentText, timeText } from "./moments";

test("a moment says in which zone it is told", () => {
  expect(momentText("2026-11-26T13:16:03Z", "en")).toBe("26 Nov 2026, 21:16 UTC+8");
  expect(momentText("2026-11-26T16:00:00Z", "zh")).toBe("2026年11月27日 00:00 UTC+8");
  expect(timeText("2026-11-26T13:16:03Z", "en")).toBe("21:16:03 UTC+8");
});

test("a form is filled in and read in the bank's zone", () => {
  expect(fieldText(Date.parse("2026-11-26T16:00:59Z"))).toBe("2026-11-27T00:00");
  expect(momentOf("2026-11-27T00:00")).toBe("2026-11-26T16:00:00.000Z");
});

test.each(["", "2026-11-27", "2026-13-01T00:00", "yesterday"])("%s means no moment", (text) => {
  expect(momentOf(text)).toBeNull();
});
