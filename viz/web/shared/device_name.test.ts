import { expect, test } from "vitest";
import { deviceName, handheldShort } from "./device_name";

const told = (key: string, facts = {}) => `${key} ${JSON.stringify(facts)}`;

test("a handheld is called by the end of its made id", () => {
  expect(handheldShort("pda_01M8BZRRPDWXZYYFTDT4DQTY12")).toBe("DQTY12");
  expect(deviceName("pda_01M8BZRRPDWXZYYFTDT4DQTY12", told)).toBe('device.handheld {"short":"DQTY12"}');
});

test("a device that a keeper named keeps its name", () => {
  expect(handheldShort("pda-north")).toBeNull();
  expect(deviceName("gate-1-reader", told)).toBe("gate-1-reader");
});
