import { expect, test } from "vitest";
import { parsePercent } from "./share";

test("per cent as typed becomes the share that the server reads", () => {
  expect(parsePercent("4.35")).toBe("0.0435");
  expect(parsePercent(" 70 % ")).toBe("0.7");
  expect(parsePercent("0.0001")).toBe("0.000001");
  expect(parsePercent("100")).toBe("1");
});

test("what is no share is refused before it is sent", () => {
  expect([parsePercent("36", 36), parsePercent("36.1", 36)]).toEqual(["0.36", null]);
  for (const text of ["", "0", "100.1", "1e1", "-4", "4,35", "4.35123"]) expect(parsePercent(text)).toBeNull();
});
