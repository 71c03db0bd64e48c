import { expect, test } from "vitest";
import { aLayout, aRack } from "./builders";
import { siteFrame, type Vec3 } from "./frame";
import { cutBox, pickSlot, type Ray } from "./pick";

const site = siteFrame(
  aLayout({
    racks: [aRack({ bays: 10, levels: 4, rotation_deg: 90, x_mm: 20_000, y_mm: 5000 }), aRack({ rack_id: "B01", x_mm: 3000, y_mm: 30_000, bays: 8 })],
  }),
);

function towards(from: Vec3, to: Vec3): Ray {
  const gap = { x: to.x - from.x, y: to.y - from.y, z: to.z - from.z };
  const length = Math.hypot(gap.x, gap.y, gap.z);
  return { origin: from, direction: { x: gap.x / length, y: gap.y / length, z: gap.z / length } };
}

const inGoods = (slot: number): Vec3 => ({ ...site.slots[slot]!.centre, z: site.slots[slot]!.centre.z + 0.5 });
const full = () => true;

test("a ray across the aisle at any slot hits that slot", () => {
  for (let slot = 0; slot < site.slots.length; slot += 1) {
    const at = inGoods(slot);
    const { cos, sin } = site.racks[site.slots[slot]!.rack]!;
    // The front of a rack faces -y of its own frame: the eye stands five metres before the slot.
    const eye = { x: at.x + sin * 5, y: at.y - cos * 5, z: at.z + 0.2 };
    expect(pickSlot(site, towards(eye, at), full)?.slot).toBe(slot);
  }
});

test("empty slots are looked through to the full one behind", () => {
  const near = site.slotIndex.get("A01-05-2")!;
  const far = site.slotIndex.get("A01-06-2")!;
  const along = towards({ ...inGoods(near), y: inGoods(near).y - 3 }, inGoods(far));
  expect(pickSlot(site, along, (slot) => slot === far)?.slot).toBe(far);
});

test("a ray into the sky or over an empty site hits nothing", () => {
  const up = { origin: { x: 20, y: 5, z: 9 }, direction: { x: 0, y: 0, z: 1 } };
  expect(pickSlot(site, up, full)).toBeNull();
  expect(pickSlot(site, towards({ x: 0, y: 0, z: 20 }, inGoods(3)), () => false)).toBeNull();
});

test("picking agrees with trying every slot's box in turn", () => {
  const eye = { x: 34, y: -6, z: 14 };
  for (let slot = 0; slot < site.slots.length; slot += 3) {
    const hit = pickSlot(site, towards(eye, inGoods(slot)), full)!;
    const behind = pickSlot(site, towards(eye, inGoods(slot)), (other) => other !== hit.slot);
    expect(hit).not.toBeNull();
    if (behind) expect(behind.distance).toBeGreaterThanOrEqual(hit.distance);
  }
});

test("a ray that starts inside a box enters at once, one parallel beside it misses", () => {
  const box = { min: { x: 0, y: 0, z: 0 }, max: { x: 1, y: 1, z: 1 } };
  expect(cutBox({ origin: { x: 0.5, y: 0.5, z: 0.5 }, direction: { x: 1, y: 0, z: 0 } }, box)).toEqual({ enter: 0, leave: 0.5 });
  expect(cutBox({ origin: { x: 0.5, y: 2, z: 0.5 }, direction: { x: 1, y: 0, z: 0 } }, box)).toBeNull();
});
