import { expect, test } from "vitest";
import { Quality, RATIO_MIN } from "./quality";

function run(quality: Quality, intervalMs: number, frames: number): void {
  for (let frame = 0; frame < frames; frame += 1) quality.note(intervalMs);
}

test("slow frames make the picture coarser, down to a bound", () => {
  const quality = new Quality(2);
  run(quality, 120, 10);
  expect(quality.ratio).toBeCloseTo(1.6);
  run(quality, 120, 400);
  expect(quality.ratio).toBe(RATIO_MIN);
});

test("one slow frame among fast ones changes nothing", () => {
  const quality = new Quality(1);
  for (let round = 0; round < 20; round += 1) {
    run(quality, 16, 9);
    quality.note(900);
  }
  expect(quality.ratio).toBe(1);
});

test("fast frames make it finer again, but only after a rest, and never finer than the screen", () => {
  const quality = new Quality(1);
  run(quality, 120, 10);
  run(quality, 8, 100);
  expect(quality.ratio).toBeCloseTo(0.8);
  run(quality, 8, 400);
  expect(quality.ratio).toBe(1);
});

test("frames of sixty a second keep what is there", () => {
  const quality = new Quality(1.5);
  run(quality, 16.7, 1000);
  expect(quality.ratio).toBe(1.5);
});
