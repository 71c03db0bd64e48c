import { expect, test } from "vitest";
import { csvOf } from "./csv";

test("rows are separated by CRLF and quoted where they must be", () => {
  const text = csvOf(["name", "amount"], [['Steel "A", Ltd', 12], ["two\nlines", null]]);
  expect(text).toBe('\ufeffname,amount\r\n"Steel ""A"", Ltd",12\r\n"two\nlines",\r\n');
});

test("a text that looks like a formula stays text, a negative number stays a number", () => {
  expect(csvOf(["a"], [["=1+1"], ["-12.50"], ["@x"], [-3]])).toBe("\ufeffa\r\n'=1+1\r\n-12.50\r\n'@x\r\n-3\r\n");
});
