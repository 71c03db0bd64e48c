import { expect, test } from "vitest";
import { decodePoses } from "./wire";

/** The frame that the server's own test writes down by hand from the format's table. */
const GOLDEN =
  "01 01 0200 04030201" +
  "07000000 39300000 ffffffff b80b0000 9f8c 0100" +
  "01000001 30f8ffff 00000000 00000000 2823 0300";

function bytes(hex: string): ArrayBuffer {
  const digits = hex.replace(/\s/g, "").match(/../g) ?? [];
  return Uint8Array.from(digits, (pair) => Number.parseInt(pair, 16)).buffer;
}

test("the golden frame of the format is read", () => {
  expect(decodePoses(bytes(GOLDEN))).toEqual({
    revision: 0x01020304,
    poses: [
      { index: 7, x: 12.345, y: -0.001, z: 3, headingDeg: 359.99, isLoaded: true, isStale: false },
      { index: 0x01000001, x: -2, y: 0, z: 0, headingDeg: 90, isLoaded: true, isStale: true },
    ],
  });
});

test.each([
  ["an empty frame", ""],
  ["another type", GOLDEN.replace("01 01", "02 01")],
  ["another version", GOLDEN.replace("01 01", "01 02")],
  ["a cut frame", GOLDEN.slice(0, -2)],
  ["a frame longer than its count", `${GOLDEN}00`],
])("%s is refused", (_, hex) => {
  expect(() => decodePoses(bytes(hex))).toThrow(RangeError);
});
