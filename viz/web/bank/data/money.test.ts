import { expect, test } from "vitest";
import { AMOUNT_FEN_MAX, parseYuan, yuanText } from "./money";

test.each([
  ["1", 100],
  ["1,234.5", 123_450],
  ["1,234.56", 123_456],
  ["¥ 0.01", 1],
  ["0.29", 29],
  ["1000000000000", AMOUNT_FEN_MAX],
])("%s yuan is read exactly", (text, fen) => {
  expect(parseYuan(text)).toBe(fen);
});

test.each(["", "0", "-5", "1.234", "1e3", "abc", "1.2.3", "1000000000000.01"])("%s is no amount", (text) => {
  expect(parseYuan(text)).toBeNull();
});

test("what a field shows reads back as the same amount", () => {
  for (const fen of [1, 10, 29, 100, 1_005, 123_456_789]) expect(parseYuan(yuanText(fen))).toBe(fen);
  expect(yuanText(-105)).toBe("-1.05");
});
