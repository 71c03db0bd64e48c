/** Flies the camera to what a search or a list names, and selects it where that makes sense. */
import { toSite } from "../model/frame";
import type { Found } from "../model/search";
import { sceneLink } from "../scene/current";
import { zoneBounds } from "../scene/ground";
import { showPlace } from "../state/place";
import { useSite } from "../state/site";
import { useView } from "../state/view";

export function goToUnit(unitId: string): void {
  const unit = useSite.getState().stock?.units.get(unitId);
  if (!unit) return;
  useView.getState().select({ kind: "unit", id: unitId });
  sceneLink()?.flyToUnit(unit);
}

export function goToAsset(assetId: string): void {
  useView.getState().select({ kind: "asset", id: assetId });
  sceneLink()?.flyToAsset(assetId);
}

export function goToRack(rackId: string): void {
  const frame = useSite.getState().frame?.racks.find((item) => item.rack.rack_id === rackId);
  if (!frame) return;
  sceneLink()?.flyToPoint(toSite(frame, frame.length / 2, frame.depth / 2, frame.height / 2), frame.length * 0.62);
}

/** An empty slot cannot be selected: it is shown from near enough to be told from its neighbours. */
function goToSlot(slotId: string): void {
  const { frame } = useSite.getState();
  const slot = frame?.slots[frame.slotIndex.get(slotId) ?? -1];
  if (slot) sceneLink()?.flyToPoint({ ...slot.centre, z: slot.centre.z + 0.7 }, 4);
}

export function goToZone(zoneId: string): void {
  const zone = useSite.getState().frame?.layout.zones.find((item) => item.zone_id === zoneId);
  if (!zone) return;
  const { minX, minY, maxX, maxY } = zoneBounds(zone);
  const radius = Math.hypot(maxX - minX, maxY - minY) / 2;
  sceneLink()?.flyToPoint({ x: (minX + maxX) / 2, y: (minY + maxY) / 2, z: 0 }, radius * 0.8);
}

/** A lot has no one place: its first pallet that stands somewhere is shown. */
function goToLot(lotId: string): void {
  const { stock } = useSite.getState();
  const units = [...(stock?.units.values() ?? [])].filter((unit) => unit.lot_id === lotId);
  const first = units.find((unit) => unit.place === "slot") ?? units[0];
  if (first) goToUnit(first.unit_id);
}

export function goToFound(row: Found): void {
  showPlace("site");
  const layout = useSite.getState().frame?.layout;
  if (row.kind === "unit") goToUnit(row.id);
  else if (row.kind === "lot") goToLot(row.id);
  else if (row.kind === "slot") goToSlot(row.id);
  else if (row.kind === "rack") goToRack(row.id);
  else if (row.kind === "zone") goToZone(row.id);
  else if (row.kind === "asset") goToAsset(row.id);
  else if (row.kind === "gate") {
    const gate = layout?.gates.find((item) => item.gate_id === row.id);
    if (gate) sceneLink()?.flyToPoint({ x: gate.x_mm / 1000, y: gate.y_mm / 1000, z: 1.5 }, 11);
  } else {
    const bridge = layout?.weighbridges.find((item) => item.weighbridge_id === row.id);
    if (bridge) sceneLink()?.flyToPoint({ x: (bridge.x_mm + bridge.length_mm / 2) / 1000, y: bridge.y_mm / 1000, z: 1 }, 13);
  }
}
