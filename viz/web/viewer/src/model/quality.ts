/** How many pixels are drawn for each pixel of the window: fewer while the machine cannot keep up. Pure. */

/** Intervals between frames that are looked at together. */
const WINDOW = 10;
/** Medians in milliseconds above which the picture gets coarser, and below which it may get finer again. */
const SLOW_MS = 50;
const FAST_MS = 14;
const STEP = 0.8;
/** Below this the picture would no longer be fit to read. */
export const RATIO_MIN = 0.6;
/** Windows that must pass after getting coarser before trying finer: else it would swing to and fro. */
const REST_WINDOWS = 12;

export class Quality {
  private intervals: number[] = [];
  private rest = 0;
  private current: number;

  constructor(private readonly ratioMax: number) {
    this.current = ratioMax;
  }

  get ratio(): number {
    return this.current;
  }

  /** Notes the time between two frames drawn in a row; tells whether the ratio changed. */
  note(intervalMs: number): boolean {
    this.intervals.push(intervalMs);
    if (this.intervals.length < WINDOW) return false;
    const median = this.intervals.sort((a, b) => a - b)[WINDOW / 2]!;
    this.intervals = [];
    this.rest = Math.max(0, this.rest - 1);
    const before = this.current;
    if (median > SLOW_MS) {
      this.current = Math.max(Math.min(RATIO_MIN, this.ratioMax), before * STEP);
      this.rest = REST_WINDOWS;
    } else if (median < FAST_MS && this.rest === 0) {
      this.current = Math.min(this.ratioMax, before / STEP);
    }
    return this.current !== before;
  }
}
