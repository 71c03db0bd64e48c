import { expect, test } from "vitest";
import { Motion, turnTowards } from "./motion";

const at = (x: number, headingDeg = 0) => ({ x, y: 0, z: 0, headingDeg });

test("a new pose is approached evenly over the time since the last", () => {
  const motion = new Motion(at(0), 1000);
  motion.moveTo(at(2), 1200);
  expect(motion.at(1200).x).toBe(0);
  expect(motion.at(1300).x).toBeCloseTo(1);
  expect(motion.at(1400).x).toBe(2);
  expect(motion.isMoving(1300)).toBe(true);
  expect(motion.isMoving(1400)).toBe(false);
});

test("a pose that comes early starts from what is shown, without a jump", () => {
  const motion = new Motion(at(0), 0);
  motion.moveTo(at(4), 400);
  motion.moveTo(at(6), 600);
  expect(motion.at(600).x).toBeCloseTo(2);
});

test("a leap is shown at once", () => {
  const motion = new Motion(at(0), 0);
  motion.moveTo(at(50), 200);
  expect(motion.at(200).x).toBe(50);
});

test("after a long silence the step is bounded", () => {
  const motion = new Motion(at(0), 0);
  motion.moveTo(at(3), 60_000);
  expect(motion.at(61_500).x).toBe(3);
});

test.each([
  [350, 10, 0.5, 0],
  [10, 350, 0.5, 0],
  [90, 180, 0.5, 135],
  [0, 180, 1, 180],
])("from %d to %d degrees, %d of the way is %d: the short way round", (from, to, share, expected) => {
  expect(turnTowards(from, to, share) % 360).toBeCloseTo(expected);
});
