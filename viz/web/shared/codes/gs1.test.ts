import { describe, expect, it } from "vitest";
import { checkDigit, hasRightCheckDigit, parseDigitalLink, parseElements } from "./gs1";

describe("checkDigit", () => {
  // Worked examples of the GS1 check digit calculator: GTIN-13 6291041500213 and SSCC 376104250021234569.
  it.each([
    ["629104150021", 3],
    ["37610425002123456", 9],
    ["9638507", 4],
    ["0", 0],
  ])("of %s is %i", (digits, expected) => {
    expect(checkDigit(digits)).toBe(expected);
  });

  it("refuses anything but digits", () => {
    expect(() => checkDigit("12a")).toThrow(RangeError);
  });
});

describe("hasRightCheckDigit", () => {
  it("accepts a right code and refuses each single wrong digit", () => {
    const code = "376104250021234569";
    expect(hasRightCheckDigit(code)).toBe(true);
    for (let index = 0; index < code.length; index += 1) {
      const wrong = String((Number(code[index]) + 1) % 10);
      expect(hasRightCheckDigit(code.slice(0, index) + wrong + code.slice(index + 1))).toBe(false);
    }
  });

  it("refuses text and single digits", () => {
    expect(hasRightCheckDigit("A01-07-3")).toBe(false);
    expect(hasRightCheckDigit("0")).toBe(false);
  });
});

describe("parseElements", () => {
  it("reads a pallet label: SSCC, then contained item, count and batch", () => {
    const elements = parseElements("003761042500212345690206291041500213374810LOT7");
    expect(elements?.get("00")).toBe("376104250021234569");
    expect(elements?.get("02")).toBe("06291041500213");
    expect(elements?.get("37")).toBe("4810LOT7");
  });

  it("ends a variable element at the group separator", () => {
    const elements = parseElements("3748\u001d10LOT7\u001d3103001250");
    expect([...(elements ?? [])]).toEqual([
      ["37", "48"],
      ["10", "LOT7"],
      ["3103", "001250"],
    ]);
  });

  it("skips a leading FNC1 and reads a location number", () => {
    expect(parseElements("\u001d4146291041500213")?.get("414")).toBe("6291041500213");
  });

  it.each(["A01-07-3", "00376", "", "01"])("answers null for %s", (text) => {
    expect(parseElements(text)).toBeNull();
  });
});

describe("parseDigitalLink", () => {
  it("reads the SSCC from the address of any resolver", () => {
    const elements = parseDigitalLink("https://id.example.org/scan/00/376104250021234569?x=1");
    expect(elements?.get("00")).toBe("376104250021234569");
  });

  it("reads item and serial number", () => {
    const elements = parseDigitalLink("https://example.org/01/06291041500213/21/ABC");
    expect(elements?.get("21")).toBe("ABC");
  });

  it("answers null for other addresses and texts", () => {
    expect(parseDigitalLink("https://example.org/pda/?enrol=K7")).toBeNull();
    expect(parseDigitalLink("00376")).toBeNull();
  });
});
