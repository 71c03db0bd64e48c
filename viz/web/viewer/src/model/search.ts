/** Finding things by what people have in hand: an SSCC, a tag, a SKU, a lot, a slot, a plate, a place. */
import type { Asset, Layout, Unit } from "@shared/api/types";
import type { SlotPlace } from "./frame";

export type Found =
  | { kind: "unit"; id: string; title: string; detail: string }
  | { kind: "lot"; id: string; title: string; detail: string; count: number }
  | { kind: "slot" | "rack" | "zone" | "gate" | "weighbridge" | "asset"; id: string; title: string; detail: string };

/** What people call each lot, by its id. */
export type Lots = ReadonlyMap<string, { readonly code: string }>;

/** Rows a search answers at most; more would not be read. */
export const FOUND_MAX = 24;

/** Letters and digits only, in capitals: "A01 07-3" and "a01-07-3" are the same. */
export function normalise(text: string): string {
  return text.toUpperCase().replace(/[^\p{L}\p{N}]/gu, "");
}

function placesOf(layout: Layout, isChinese: boolean): Found[] {
  const zoneName = (zone: Layout["zones"][number]) => (isChinese ? zone.name_zh : zone.name_en) || zone.zone_id;
  return [
    ...layout.racks.map((rack): Found => ({ kind: "rack", id: rack.rack_id, title: rack.rack_id, detail: rack.zone_id })),
    ...layout.zones.map((zone): Found => ({ kind: "zone", id: zone.zone_id, title: zoneName(zone), detail: zone.kind })),
    ...layout.gates.map((gate): Found => ({ kind: "gate", id: gate.gate_id, title: gate.gate_id, detail: gate.zone_id })),
    ...layout.weighbridges.map(
      (bridge): Found => ({
        kind: "weighbridge",
        id: bridge.weighbridge_id,
        title: bridge.weighbridge_id,
        detail: bridge.zone_id,
      }),
    ),
  ];
}

function unitMatch(unit: Unit, wanted: string): boolean {
  return [unit.sscc, unit.epc_hex ?? "", unit.sku, unit.unit_id, unit.slot_id ?? ""].some((text) =>
    normalise(text).includes(wanted),
  );
}

function lotsMatching(units: Iterable<Unit>, known: Lots, wanted: string): Found[] {
  const lots = new Map<string, { sku: string; count: number }>();
  for (const unit of units) {
    const code = known.get(unit.lot_id)?.code ?? "";
    if (!normalise(code).includes(wanted) && !normalise(unit.lot_id).includes(wanted)) continue;
    const lot = lots.get(unit.lot_id) ?? { sku: unit.sku, count: 0 };
    lot.count += 1;
    lots.set(unit.lot_id, lot);
  }
  return [...lots].map(([id, lot]) => ({ kind: "lot", id, title: known.get(id)?.code ?? id, detail: lot.sku, count: lot.count }));
}

/** What is searched. */
export interface Searched {
  layout: Layout;
  slots: readonly SlotPlace[];
  units: Iterable<Unit>;
  assets: Iterable<Asset>;
  lots: Lots;
  isChinese: boolean;
}

/** Slots that no pallet stands in; one that is taken is found by its pallet. */
function emptySlots(slots: readonly SlotPlace[], units: readonly Unit[], wanted: string): Found[] {
  const taken = new Set(units.map((unit) => unit.slot_id));
  return slots
    .filter((slot) => normalise(slot.slotId).includes(wanted) && !taken.has(slot.slotId))
    .slice(0, FOUND_MAX)
    .map((slot) => ({ kind: "slot", id: slot.slotId, title: slot.slotId, detail: "" }));
}

/** Places first, then lots, then single pallets, then empty slots; at most FOUND_MAX. An empty query finds nothing. */
export function search(query: string, site: Searched): Found[] {
  const wanted = normalise(query);
  if (wanted === "") return [];
  const units = [...site.units];
  const hits = (row: Found) => normalise(row.title).includes(wanted) || normalise(row.id).includes(wanted);
  const assets = [...site.assets].map(
    (asset): Found => ({ kind: "asset", id: asset.asset_id, title: asset.label, detail: asset.kind }),
  );
  const found: Found[] = [
    ...placesOf(site.layout, site.isChinese).filter(hits),
    ...assets.filter(hits),
    ...lotsMatching(units, site.lots, wanted),
  ].slice(0, FOUND_MAX);
  for (const unit of units) {
    if (found.length >= FOUND_MAX) return found;
    if (unitMatch(unit, wanted)) {
      found.push({ kind: "unit", id: unit.unit_id, title: unit.sscc, detail: [unit.slot_id, unit.sku].filter(Boolean).join(" · ") });
    }
  }
  return [...found, ...emptySlots(site.slots, units, wanted)].slice(0, FOUND_MAX);
}
