import { expect, test } from "vitest";
import { aLayout, aRack } from "./builders";
import { siteFrame, toRack, toSite } from "./frame";

/** Rack A02 of the demonstration layout; the slot's centre was worked out by hand from the layout's definition. */
const A02 = aRack({ rack_id: "A02", x_mm: 28_100, y_mm: 39_000, rotation_deg: 90, bays: 26, levels: 4 });

test("a slot of a turned rack stands where the layout's definition puts it", () => {
  const site = siteFrame(aLayout({ racks: [A02] }));
  const slot = site.slots[site.slotIndex.get("A02-07-3")!]!;
  expect(slot.centre.x).toBeCloseTo(27.55, 9);
  expect(slot.centre.y).toBeCloseTo(48.1, 9);
  expect(slot.centre.z).toBeCloseTo(3.35, 9);
});

test("slots run rack by rack, bay by bay, bottom up", () => {
  const site = siteFrame(aLayout({ racks: [aRack(), aRack({ rack_id: "A02", bays: 1 })] }));
  expect(site.slots.map((slot) => slot.slotId)).toEqual([
    "A01-01-1", "A01-01-2", "A01-02-1", "A01-02-2", "A01-03-1", "A01-03-2", "A02-01-1", "A02-01-2",
  ]);
  expect(site.racks[1]).toMatchObject({ firstBay: 3, firstSlot: 6 });
  expect(site.bayCount).toBe(4);
});

test.each([0, 37, 90, 180, 270])("points go to a rack turned by %d degrees and back", (rotation_deg) => {
  const frame = siteFrame(aLayout({ racks: [aRack({ rotation_deg, x_mm: 5000, y_mm: -3000 })] })).racks[0]!;
  const there = toRack(frame, 7.5, 2.25, 1);
  const back = toSite(frame, there.x, there.y, there.z);
  expect(back.x).toBeCloseTo(7.5, 9);
  expect(back.y).toBeCloseTo(2.25, 9);
});
