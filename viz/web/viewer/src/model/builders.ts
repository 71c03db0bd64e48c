/** Builders of test data: plain things with the fields a test does not care about filled in. */
import type { Alarm, Asset, Layout, Rack, Unit } from "@shared/api/types";

export function aRack(part: Partial<Rack> = {}): Rack {
  return {
    rack_id: "A01",
    zone_id: "storage",
    x_mm: 0,
    y_mm: 0,
    rotation_deg: 0,
    bays: 3,
    levels: 2,
    bay_width_mm: 1400,
    depth_mm: 1100,
    level_height_mm: 1600,
    first_level_mm: 150,
    ...part,
  };
}

export function aLayout(part: Partial<Layout> = {}): Layout {
  return {
    site_id: "site-1",
    name_en: "Site one",
    name_zh: "一号库",
    time_zone: "Asia/Shanghai",
    width_mm: 60_000,
    length_mm: 40_000,
    height_mm: 9000,
    mode: "warehouse",
    zones: [],
    racks: [aRack()],
    gates: [],
    weighbridges: [],
    mounts: [],
    ...part,
  };
}

export function aUnit(part: Partial<Unit> = {}): Unit {
  return {
    unit_id: "unit-1",
    sscc: "369012340000000124",
    epc_hex: "3114E1C2D40000000000000C",
    lot_id: "lot-1",
    sku: "COPPER-A",
    slot_id: "A01-01-1",
    place: "slot",
    point: null,
    evidence: "verified",
    modalities: ["tag", "position"],
    last_seen_at: "2026-11-23T05:30:00Z",
    status: "free",
    alarm: null,
    quantity_each: 48,
    mass_g: 812_500,
    ...part,
  };
}

export function anAsset(part: Partial<Asset> = {}): Asset {
  return {
    asset_id: "forklift-1",
    index: 1,
    kind: "forklift",
    label: "forklift-1",
    point: { x_m: 10, y_m: 5, z_m: 0 },
    heading_deg: 90,
    load_epc: null,
    at: "2026-11-23T05:59:59Z",
    state: "live",
    ...part,
  };
}

export function anAlarm(part: Partial<Alarm> = {}): Alarm {
  return {
    alarm_id: "alarm-1",
    site_id: "site-1",
    kind: "exit_without_release",
    grade: "check",
    state: "active",
    acknowledged_at: null,
    acknowledged_by: null,
    acknowledged_by_name: null,
    raised_at: "2026-11-23T05:59:00Z",
    cleared_at: null,
    clear_reason: null,
    lot_ids: ["lot-1"],
    unit_ids: ["unit-1"],
    gate_id: "gate-1",
    vehicle_id: null,
    point: null,
    text_key: "alarm.exit_without_release",
    facts: {},
    evidence: [],
    ...part,
  };
}
