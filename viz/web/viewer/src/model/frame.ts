/**
 * Racks, bays and slots as numbers, from the layout. One right-handed frame per site in metres: x east, y north,
 * z up. A rack's own frame starts at the corner of bay 1: x along the bays, y into the depth, z up.
 */
import type { Layout, Rack } from "@shared/api/types";

export interface Vec3 {
  x: number;
  y: number;
  z: number;
}

/** A rack with its turn worked out: `site_from_rack` and back are `toSite` and `toRack`. */
export interface RackFrame {
  rack: Rack;
  cos: number;
  sin: number;
  x: number;
  y: number;
  /** Sizes in metres. */
  length: number;
  depth: number;
  bayWidth: number;
  levelHeight: number;
  firstLevel: number;
  height: number;
  /** Index of the rack's first bay and first slot among all of the site. */
  firstBay: number;
  firstSlot: number;
}

/** Where a slot is; `centre` is the middle of its floor in the site's frame. */
export interface SlotPlace {
  slotId: string;
  rack: number;
  bay: number;
  level: number;
  centre: Vec3;
  /** Turn of the goods about z in radians. */
  turn: number;
}

export interface SiteFrame {
  layout: Layout;
  racks: RackFrame[];
  slots: SlotPlace[];
  slotIndex: Map<string, number>;
  bayCount: number;
}

const RADIANS = Math.PI / 180;

/** The code of a slot: bays with two digits, levels with one, both from 1 (`A01-07-3`). */
export function slotCode(rackId: string, bay: number, level: number): string {
  return `${rackId}-${String(bay).padStart(2, "0")}-${level}`;
}

function rackFrame(rack: Rack, firstBay: number, firstSlot: number): RackFrame {
  const turn = rack.rotation_deg * RADIANS;
  return {
    rack,
    cos: Math.cos(turn),
    sin: Math.sin(turn),
    x: rack.x_mm / 1000,
    y: rack.y_mm / 1000,
    length: (rack.bays * rack.bay_width_mm) / 1000,
    depth: rack.depth_mm / 1000,
    bayWidth: rack.bay_width_mm / 1000,
    levelHeight: rack.level_height_mm / 1000,
    firstLevel: rack.first_level_mm / 1000,
    height: (rack.first_level_mm + rack.levels * rack.level_height_mm) / 1000,
    firstBay,
    firstSlot,
  };
}

/** A point of the rack's frame in the site's frame. */
export function toSite(frame: RackFrame, x: number, y: number, z: number): Vec3 {
  return { x: frame.x + frame.cos * x - frame.sin * y, y: frame.y + frame.sin * x + frame.cos * y, z };
}

/** A point of the site's frame in the rack's frame. */
export function toRack(frame: RackFrame, x: number, y: number, z: number): Vec3 {
  const dx = x - frame.x;
  const dy = y - frame.y;
  return { x: frame.cos * dx + frame.sin * dy, y: -frame.sin * dx + frame.cos * dy, z };
}

function slotsOf(frame: RackFrame, rackIndex: number): SlotPlace[] {
  const { rack } = frame;
  const slots: SlotPlace[] = [];
  for (let bay = 1; bay <= rack.bays; bay += 1) {
    for (let level = 1; level <= rack.levels; level += 1) {
      const z = frame.firstLevel + (level - 1) * frame.levelHeight;
      slots.push({
        slotId: slotCode(rack.rack_id, bay, level),
        rack: rackIndex,
        bay: bay - 1,
        level: level - 1,
        centre: toSite(frame, (bay - 0.5) * frame.bayWidth, frame.depth / 2, z),
        turn: rack.rotation_deg * RADIANS,
      });
    }
  }
  return slots;
}

/** All slots of a site, rack by rack, bay by bay, bottom up: the same order as the server's. */
export function siteFrame(layout: Layout): SiteFrame {
  const racks: RackFrame[] = [];
  const slots: SlotPlace[] = [];
  let bayCount = 0;
  for (const rack of layout.racks) {
    const frame = rackFrame(rack, bayCount, slots.length);
    racks.push(frame);
    slots.push(...slotsOf(frame, racks.length - 1));
    bayCount += rack.bays;
  }
  return { layout, racks, slots, bayCount, slotIndex: new Map(slots.map((slot, index) => [slot.slotId, index])) };
}
