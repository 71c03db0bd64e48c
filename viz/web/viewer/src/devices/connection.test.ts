import type { FamilyParameter } from "@shared/api/types";
import { expect, test } from "vitest";
import { brokenRule, connectionOf, givenOf, isGiven } from "./connection";

function aParameter(name: string, type: FamilyParameter["type"], required = false): FamilyParameter {
  return { name, type, required, text: "", default: null, unit: "", minimum: null, maximum: null, choices: [], is_host: name === "host" };
}

const PARAMETERS = [
  aParameter("host", "text", true),
  aParameter("port", "integer"),
  aParameter("antennas", "list of integers"),
  aParameter("is_high", "boolean"),
];

test("what is typed goes in the type of the parameter, and what is left empty is left to its default", () => {
  expect(connectionOf(PARAMETERS, { host: " 10.0.0.7 ", port: "5084", antennas: "1, 2", is_high: "false" })).toEqual({
    host: "10.0.0.7",
    port: 5084,
    antennas: [1, 2],
    is_high: false,
  });
  expect(connectionOf(PARAMETERS, { host: "reader", port: "" })).toEqual({ host: "reader" });
});

test("a known connection is shown as it would be typed, and goes back as it was", () => {
  const known = { host: "10.0.0.7", port: 5084, antennas: [1, 2], is_high: false };
  expect(connectionOf(PARAMETERS, givenOf(known))).toEqual(known);
});

test("what is no number goes as it was typed, for the server to say so", () => {
  expect(connectionOf(PARAMETERS, { port: "http", antennas: "1 x" })).toEqual({ port: "http", antennas: [1, "x"] });
});

test("what breaks a rule of its parameter is said before it is sent, in the server's words", () => {
  const [host, port] = PARAMETERS.map((one) => ({ ...one, minimum: one.name === "port" ? 1 : null, maximum: one.name === "port" ? 65535 : null })) as [FamilyParameter, FamilyParameter];
  expect(["http://x/", "-a", "user@host", "10.0.0.7/x"].map((typed) => brokenRule(host, typed))).toEqual(Array(4).fill("a host name or address"));
  expect(["127.0.0.1", "scale_2", "fe80::1%eth0", "::1", " a ", ""].map((typed) => brokenRule(host, typed))).toEqual(Array(6).fill(null));
  expect(["70000", "0", "1.5", "http", "65535"].map((typed) => brokenRule(port, typed))).toEqual(["1 to 65535", "1 to 65535", "an integer", "an integer", null]);
  expect(brokenRule({ ...port, maximum: null }, "0")).toBe("at least 1");
  expect(isGiven([host, port], { host: "reader", port: "70000" })).toBe(false);
});

test("a device is complete once everything that it must be given is", () => {
  expect([isGiven(PARAMETERS, { host: "reader" }), isGiven(PARAMETERS, { host: " " })]).toEqual([true, false]);
});
