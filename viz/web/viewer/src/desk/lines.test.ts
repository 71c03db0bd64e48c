import { expect, test } from "vitest";
import { faultsIn, numberOf, pasteInto, tableOf } from "./lines";

test("rows of a spreadsheet and lines of CSV become the same cells", () => {
  const cells = [["A", "1"], ["B", "2"]];
  expect(tableOf("A\t1\r\nB\t2\r\n", 2)).toEqual(cells);
  expect(tableOf('"A",1\n\nB,2', 2)).toEqual(cells);
  expect(tableOf("A;1\nB;2", 2)).toEqual(cells);
});

test("a plain text is pasted as itself, also one with more commas than there are columns", () => {
  expect(tableOf("SKU-1", 2)).toBeNull();
  expect(tableOf("one, two, three", 2)).toBeNull();
});

test("a pasted table fills lines from its place on, without its heading", () => {
  const table = [["sku", "pieces"], ["A", "1"], ["B", "2"]];
  expect(pasteInto([{ sku: "Z" }, {}], ["sku", "quantity_each"], table, 1, 0)).toEqual([
    { sku: "Z" },
    { sku: "A", quantity_each: "1" },
    { sku: "B", quantity_each: "2" },
  ]);
});

test("a number may have blanks between its digits, and nothing else is one", () => {
  expect([numberOf("1 200"), numberOf("12.5"), numberOf(""), numberOf("1,200")]).toEqual([1200, 12.5, Number.NaN, Number.NaN]);
});

test("powers of ten, signs and other notations are no numbers here", () => {
  for (const text of ["1e3", "0x10", "-1", "+1", "Infinity", ".5", "1."]) expect(numberOf(text)).toBeNaN();
});

test("every cell that breaks a rule is told, blank ones break none", () => {
  const ruleOf = (name: string, text: string) => (name === "sku" && text !== "A" ? "an item" : null);
  expect(faultsIn([{ sku: "A" }, { sku: " ", pieces: "x" }, { sku: "B" }, { sku: "C" }], ruleOf)).toEqual([
    { row: 2, name: "sku", rule: "an item" },
    { row: 3, name: "sku", rule: "an item" },
  ]);
  expect(faultsIn([{ sku: "A" }], ruleOf)).toEqual([]);
});
