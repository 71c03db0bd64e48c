/** Builders of test data, as in `model/builders.ts`. */
import type { Device, DeviceOrder, QuarantineRow } from "@shared/api/types";

export function aDevice(part: Partial<Device> = {}): Device {
  return {
    device_id: "gate-1-reader",
    family: "llrp",
    family_name_en: "UHF RFID reader",
    family_name_zh: "超高频 RFID 读写器",
    mount_id: "gate-1-reader",
    subject_ref: null,
    state: "online",
    last_seen_at: "2026-11-23T05:59:50Z",
    clock_skew_ms: -3,
    error_count: 0,
    quarantined: 0,
    missing_count: 0,
    retired_at: null,
    connection: { host: "10.0.0.7", port: 5084 },
    enrolment: 1,
    enrolled_at: "2026-11-20T02:00:00Z",
    enrolled_by: "Keeper A",
    acceptance: "accepted",
    accepted_at: "2026-11-20T03:00:00Z",
    accepted_by: "Bank A",
    acceptances: [{ party: "Bank A", accepted_at: "2026-11-20T03:00:00Z", is_own: false }],
    key_held_by: null,
    error_rate: 0.002,
    tier: "gold",
    calibrated_until: "2027-06-30",
    orders: {},
    ...part,
  };
}

export function aQuarantineRow(part: Partial<QuarantineRow> = {}): QuarantineRow {
  return {
    quarantine_id: "q1",
    device_id: "gate-1-reader",
    is_stranger: false,
    boot: 1,
    sequence: 4,
    field: "observed_at",
    rule: "at most 300 s in the future",
    raw_preview: '{"device_id":"gate-1-reader"}',
    times: 1,
    received_at: "2026-11-23T06:00:00Z",
    last_received_at: "2026-11-23T06:00:00Z",
    ...part,
  };
}

export function anOrder(part: Partial<DeviceOrder> = {}): DeviceOrder {
  return {
    number: 1,
    command_id: "command-1",
    device_id: "scale-1",
    action: "tare",
    parameters: {},
    cause: "manual: an empty pallet stands on it",
    ref_id: null,
    ordered_by: "person-1",
    state: "confirmed",
    failure: null,
    queued_at: "2026-11-23T06:00:00Z",
    valid_until: "2026-11-23T06:01:00Z",
    sent_at: "2026-11-23T06:00:01Z",
    settled_at: "2026-11-23T06:00:02Z",
    ...part,
  };
}
