/**
 * Turns the keystrokes of a keyboard-wedge scanner into whole frames.
 *
 * A frame opens with a prefix character and closes with Enter. Time plays no part: a busy handheld delivers
 * the keys of one code with gaps, and two codes with none, so a time-out joins or splits codes. What lies
 * outside a frame, or was cut off by the next prefix, is reported as a fragment and never joined to anything.
 */

/** The AIM symbology identifier starts with this character; scanners send it as a prefix when told to. */
export const AIM_PREFIX = "]";

/** Longest frame kept, in characters. GS1 allows 48 in a linear symbol and far less on a pallet label. */
export const FRAME_CHARS_MAX = 400;

/** Group separator (FNC1 inside a GS1 element string) as scanners type it: control and the key `]`. */
const GROUP_SEPARATOR = "\u001d";

export interface Framed {
  /** `bare`: Enter closed keys that no prefix had opened. */
  readonly kind: "frame" | "fragment" | "bare";
  /** Text of the frame including its prefix; of a fragment, whatever was there. */
  readonly text: string;
}

export interface Keystroke {
  readonly key: string;
  readonly ctrlKey?: boolean;
  readonly altKey?: boolean;
  readonly metaKey?: boolean;
}

/** Collects keystrokes; `press` answers with what was completed by that key, most often nothing. */
export class WedgeFramer {
  private buffer = "";
  private isOpen = false;
  /** The rest of a frame that was given up still comes. */
  private wasCut = false;

  constructor(private readonly prefix: string = AIM_PREFIX) {
    if (prefix.length !== 1) throw new RangeError("prefix must be one character");
  }

  press(stroke: Keystroke): Framed[] {
    const character = characterOf(stroke);
    if (character === null) return [];
    if (character === "\n") return this.close();
    if (character === this.prefix) return this.open();
    this.buffer += character;
    if (this.buffer.length <= FRAME_CHARS_MAX) return [];
    this.wasCut = true;
    return this.cutOff();
  }

  private open(): Framed[] {
    const cut = this.cutOff();
    this.isOpen = true;
    this.wasCut = false;
    this.buffer = this.prefix;
    return cut;
  }

  private close(): Framed[] {
    const text = this.buffer;
    const kind = this.isOpen ? "frame" : this.wasCut ? "fragment" : "bare";
    this.wasCut = false;
    this.buffer = "";
    this.isOpen = false;
    return text === "" ? [] : [{ kind, text }];
  }

  private cutOff(): Framed[] {
    const text = this.buffer;
    this.buffer = "";
    this.isOpen = false;
    return text === "" ? [] : [{ kind: "fragment", text }];
  }
}

function characterOf(stroke: Keystroke): string | null {
  if (stroke.key === "Enter") return "\n";
  if (stroke.ctrlKey === true) return stroke.key === "]" ? GROUP_SEPARATOR : null;
  if (stroke.altKey === true || stroke.metaKey === true) return null;
  return stroke.key.length === 1 ? stroke.key : null;
}
