import type { FamilyParameter } from "@shared/api/types";
import { expect, test } from "vitest";
import { connectionOf, givenOf, isGiven } from "./connection";

function aParameter(name: string, type: FamilyParameter["type"], required = false): FamilyParameter {
  return { name, type, required, text: "", default: null, unit: "", minimum: null, maximum: null, choices: [] };
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

test("a device is complete once everything that it must be given is", () => {
  expect([isGiven(PARAMETERS, { host: "reader" }), isGiven(PARAMETERS, { host: " " })]).toEqual([true, false]);
});
