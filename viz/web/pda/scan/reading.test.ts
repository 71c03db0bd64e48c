import { describe, expect, it, test } from "vitest";
import { readFrame, readText, typedEnrolment } from "./reading";

const SSCC = "376104250021234569";

describe("readFrame", () => {
  it("reads a GS1-128 pallet label with its AIM identifier", () => {
    expect(readFrame({ kind: "frame", text: `]C100${SSCC}` })).toEqual({
      kind: "pallet",
      code: SSCC,
      symbology: "]C1",
    });
  });

  it("calls a fragment unreadable even when it looks like a whole code", () => {
    const reading = readFrame({ kind: "fragment", text: SSCC });
    expect(reading).toMatchObject({ kind: "unreadable", reason: "fragment" });
  });

  it("takes a prefix that is not an AIM identifier off", () => {
    expect(readFrame({ kind: "frame", text: "~A01-07-3" })).toEqual({
      kind: "place",
      code: "A01-07-3",
      symbology: "unknown",
    });
  });
});

describe("readText", () => {
  it.each([
    [SSCC, "pallet", SSCC],
    [`00${SSCC}`, "pallet", SSCC],
    [`(00) 3 7610425 002123456 9`, "pallet", SSCC],
    [`https://id.example.org/00/${SSCC}`, "pallet", SSCC],
    [`00${SSCC}3748\u001d10LOT7`, "pallet", SSCC],
    ["6291041500213", "item", "06291041500213"],
    ["0106291041500213", "item", "06291041500213"],
    ["a01-07-3", "place", "A01-07-3"],
    ["Staging-1", "place", "staging-1"],
    ["3174257bf4499602d2000000", "pallet", "106141412345678908"],
    ["3074257BF7194E4000001A85", "other", "3074257BF7194E4000001A85"],
    ["https://tally.example/pda/?enrol=K7QX-92MD", "enrolment", "K7QX-92MD"],
    ["hello world", "other", "hello world"],
  ])("%s is a %s", (text, kind, code) => {
    expect(readText(text, "typed")).toEqual({ kind, code, symbology: "typed" });
  });

  it.each([SSCC.replace("3", "4"), `00${SSCC.replace("3", "4")}`, "6291041500214"])(
    "refuses the wrong check digit of %s",
    (text) => {
      expect(readText(text, "typed")).toMatchObject({ kind: "unreadable", reason: "check_digit" });
    },
  );

  it("refuses nothing at all", () => {
    expect(readText("  ", "typed")).toMatchObject({ kind: "unreadable", reason: "empty" });
  });
});

test.each([
  ["ndr8 785t-7a97", "NDR8785T7A97"],
  ["NDRO 785T 7AIL", "NDR0785T7A11"],
  ["http://10.0.0.5:8080/pda/?enrol=NDR8785T7A97", "NDR8785T7A97"],
  ["   ", ""],
])("%s is typed for the enrolment code %s", (text, code) => {
  expect(typedEnrolment(text)).toBe(code);
});
