/** Smooth movement between poses that arrive a few times a second. */
import type { Vec3 } from "./frame";

export interface MovingPose extends Vec3 {
  headingDeg: number;
}

/** A leap further than this in metres is a correction, not a movement: it is shown at once. */
const LEAP_M = 12;
/** Bounds of the time over which one step is spread, in milliseconds. */
const STEP_MS = { min: 80, max: 1500 };

/** Turns from one heading to another the short way round; `share` from 0 to 1. Degrees. */
export function turnTowards(from: number, to: number, share: number): number {
  const gap = ((to - from + 540) % 360) - 180;
  return (from + gap * share + 360) % 360;
}

/**
 * The shown pose of one thing. Each new pose is approached evenly over the time since the last one, so the
 * picture lags by one update and never stops between two. Times are milliseconds of one steady clock.
 */
export class Motion {
  private from: MovingPose;
  private to: MovingPose;
  private startedAt: number;
  private stepMs = 0;

  constructor(pose: MovingPose, now: number) {
    this.from = pose;
    this.to = pose;
    this.startedAt = now;
  }

  moveTo(pose: MovingPose, now: number): void {
    const shown = this.at(now);
    const isLeap = Math.hypot(pose.x - shown.x, pose.y - shown.y) > LEAP_M;
    this.stepMs = Math.min(STEP_MS.max, Math.max(STEP_MS.min, now - this.startedAt));
    this.from = isLeap ? pose : shown;
    this.to = pose;
    this.startedAt = now;
  }

  isMoving(now: number): boolean {
    return now - this.startedAt < this.stepMs && this.from !== this.to;
  }

  at(now: number): MovingPose {
    const share = this.stepMs === 0 ? 1 : Math.min(1, (now - this.startedAt) / this.stepMs);
    if (share >= 1) return this.to;
    const blend = (a: number, b: number) => a + (b - a) * share;
    return {
      x: blend(this.from.x, this.to.x),
      y: blend(this.from.y, this.to.y),
      z: blend(this.from.z, this.to.z),
      headingDeg: turnTowards(this.from.headingDeg, this.to.headingDeg, share),
    };
  }
}
