/**
 * What a ray hits in the racks, worked out from the grid instead of from triangles: the ray is turned into each
 * rack's frame, cut with the rack's box, and only the cells between entry and exit are looked at.
 */
import { toRack, type RackFrame, type SiteFrame, type Vec3 } from "./frame";

export interface Ray {
  origin: Vec3;
  /** Need not be of length one; distances are in its lengths. */
  direction: Vec3;
}

export interface Hit {
  slot: number;
  distance: number;
}

/** Share of a cell that its goods fill, along the bay, into the depth and upwards. */
export const GOODS = { width: 0.84, depth: 0.94, height: 0.86 } as const;

interface Box {
  min: Vec3;
  max: Vec3;
}

/** Distances at which a ray enters and leaves a box, or null when it misses. A start inside enters at 0. */
export function cutBox(ray: Ray, box: Box): { enter: number; leave: number } | null {
  let enter = 0;
  let leave = Number.POSITIVE_INFINITY;
  for (const axis of ["x", "y", "z"] as const) {
    const inverse = 1 / ray.direction[axis];
    const a = (box.min[axis] - ray.origin[axis]) * inverse;
    const b = (box.max[axis] - ray.origin[axis]) * inverse;
    if (Number.isNaN(a) || Number.isNaN(b)) continue;
    enter = Math.max(enter, Math.min(a, b));
    leave = Math.min(leave, Math.max(a, b));
  }
  return enter <= leave ? { enter, leave } : null;
}

function rayInRack(frame: RackFrame, ray: Ray): Ray {
  const { origin, direction } = ray;
  const turned = toRack(frame, frame.x + direction.x, frame.y + direction.y, direction.z);
  return { origin: toRack(frame, origin.x, origin.y, origin.z), direction: turned };
}

/** First and last cell index that a span of one axis touches. */
function span(a: number, b: number, size: number, count: number): [number, number] {
  const clamp = (value: number) => Math.min(count - 1, Math.max(0, Math.floor(value / size)));
  return [clamp(Math.min(a, b)), clamp(Math.max(a, b))];
}

function goodsBox(frame: RackFrame, bay: number, level: number): Box {
  const side = (frame.bayWidth * (1 - GOODS.width)) / 2;
  const front = (frame.depth * (1 - GOODS.depth)) / 2;
  const z = frame.firstLevel + level * frame.levelHeight;
  return {
    min: { x: bay * frame.bayWidth + side, y: front, z },
    max: { x: (bay + 1) * frame.bayWidth - side, y: frame.depth - front, z: z + frame.levelHeight * GOODS.height },
  };
}

function pickInRack(frame: RackFrame, ray: Ray, isFull: (slot: number) => boolean): Hit | null {
  const own = rayInRack(frame, ray);
  const box = { min: { x: 0, y: 0, z: 0 }, max: { x: frame.length, y: frame.depth, z: frame.height } };
  const cut = cutBox(own, box);
  if (!cut) return null;
  const at = (axis: "x" | "z", distance: number) => own.origin[axis] + own.direction[axis] * distance;
  const [bayFrom, bayTo] = span(at("x", cut.enter), at("x", cut.leave), frame.bayWidth, frame.rack.bays);
  const low = (distance: number) => at("z", distance) - frame.firstLevel;
  const [levelFrom, levelTo] = span(low(cut.enter), low(cut.leave), frame.levelHeight, frame.rack.levels);
  let best: Hit | null = null;
  for (let bay = bayFrom; bay <= bayTo; bay += 1) {
    for (let level = levelFrom; level <= levelTo; level += 1) {
      const slot = frame.firstSlot + bay * frame.rack.levels + level;
      const hit = isFull(slot) ? cutBox(own, goodsBox(frame, bay, level)) : null;
      if (hit && (best === null || hit.enter < best.distance)) best = { slot, distance: hit.enter };
    }
  }
  return best;
}

/** The nearest full slot that the ray hits, in the site's frame. */
export function pickSlot(site: SiteFrame, ray: Ray, isFull: (slot: number) => boolean): Hit | null {
  let best: Hit | null = null;
  for (const frame of site.racks) {
    const hit = pickInRack(frame, ray, isFull);
    if (hit && (best === null || hit.distance < best.distance)) best = hit;
  }
  return best;
}
