import { expect, test } from "vitest";
import { isVehicleTag, ssccOfTag } from "./epc";

test("reads the example of the Tag Data Standard", () => {
  // urn:epc:tag:sscc-96:3.0614141.1234567890, which is (00) 1 0614141 234567890 8.
  expect(ssccOfTag("3174257BF4499602D2000000")).toBe("106141412345678908");
});

test.each([
  ["an item's tag", "3074257BF7194E4000001A85"],
  ["a partition that does not exist", "311E257BF4499602D2000000"],
  ["unused bits that are used", "3174257BF4499602D2000001"],
  ["a company prefix too large", "3177FFFFFFFFFFFFFF000000"],
  ["no tag", "A01-07-3"],
])("answers null for %s", (_, text) => {
  expect(ssccOfTag(text)).toBeNull();
});

test("a vehicle carries no tag of goods or of a pallet", () => {
  expect(["34258000000000000000002A", "E28011606000020812345678"].map(isVehicleTag)).toEqual([true, true]);
  expect(["3074257BF7194E4000001A85", "3174257BF4499602D2000000", "34"].map(isVehicleTag)).toEqual([false, false, false]);
});
