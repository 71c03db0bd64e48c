import { describe, expect, it } from "vitest";
import { type Framed, FRAME_CHARS_MAX, WedgeFramer } from "./framing";

function typed(framer: WedgeFramer, text: string): Framed[] {
  return [...text].flatMap((key) => framer.press({ key: key === "\n" ? "Enter" : key }));
}

describe("WedgeFramer", () => {
  it("gives one frame per prefix and Enter", () => {
    expect(typed(new WedgeFramer(), "]C100340123\n")).toEqual([{ kind: "frame", text: "]C100340123" }]);
  });

  it("reads twenty codes typed without any pause as twenty frames", () => {
    const codes = Array.from({ length: 20 }, (_, index) => `]C1code-${index}`);
    const frames = typed(new WedgeFramer(), codes.map((code) => `${code}\n`).join(""));
    expect(frames.map((frame) => frame.text)).toEqual(codes);
  });

  it("drops the buffer on each Enter so that no code leaks into the next", () => {
    const framer = new WedgeFramer();
    typed(framer, "]C1A\n");
    expect(typed(framer, "]C1B\n")).toEqual([{ kind: "frame", text: "]C1B" }]);
  });

  it("never joins a code that lost its Enter to the one that follows", () => {
    expect(typed(new WedgeFramer(), "]C10034]C1A01-07-3\n")).toEqual([
      { kind: "fragment", text: "]C10034" },
      { kind: "frame", text: "]C1A01-07-3" },
    ]);
  });

  it("tells keys that no prefix opened from half a code: the scanner is not set up", () => {
    expect(typed(new WedgeFramer(), "0034\n")).toEqual([{ kind: "bare", text: "0034" }]);
  });

  it("says nothing for Enter alone", () => {
    expect(typed(new WedgeFramer(), "\n\n")).toEqual([]);
  });

  it("keeps the group separator that scanners type as control and ]", () => {
    const framer = new WedgeFramer();
    typed(framer, "]C110AB");
    expect(framer.press({ key: "]", ctrlKey: true })).toEqual([]);
    expect(typed(framer, "21X\n")).toEqual([{ kind: "frame", text: "]C110AB\u001d21X" }]);
  });

  it("ignores keys that carry no character and shortcuts", () => {
    const framer = new WedgeFramer();
    typed(framer, "]C1");
    framer.press({ key: "Shift" });
    framer.press({ key: "a", metaKey: true });
    framer.press({ key: "a", altKey: true });
    expect(typed(framer, "B\n")).toEqual([{ kind: "frame", text: "]C1B" }]);
  });

  it("gives up a frame that grows beyond the longest allowed", () => {
    const framer = new WedgeFramer();
    const cut = typed(framer, `]${"1".repeat(FRAME_CHARS_MAX)}`);
    expect(cut).toHaveLength(1);
    expect(cut[0]?.kind).toBe("fragment");
    expect(typed(framer, "]C1A\n")).toEqual([{ kind: "frame", text: "]C1A" }]);
  });

  it("takes another prefix when the scanner is set up so", () => {
    expect(typed(new WedgeFramer("~"), "~A01\n")).toEqual([{ kind: "frame", text: "~A01" }]);
  });
});
