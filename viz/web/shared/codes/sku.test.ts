import { expect, test } from "vitest";
import { isSku } from "./sku";

test.each(["15056bl", " 85123A ", "C2", "gift_0001_20", "铜-1", "9".repeat(32)])("%s is an item's code", (text) => {
  expect(isSku(text)).toBe(true);
});

test.each(["", "bad sku!", 'A"', "A'", "A“", "A\u200b", "A\n1", "9".repeat(33)])("%j is none", (text) => {
  expect(isSku(text)).toBe(false);
});
