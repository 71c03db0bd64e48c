"""All that the twin derives from sightings, as queries in a fixed order: to compare one twin with another.

Ids and times of telling are left out: they say when the twin knew, not what.
"""

STATES = {
    "unit": "SELECT unit_id, place, slot_id, x_m, y_m, level, probability, modalities, evidence_ids, mass_g,"
    " last_seen_at, alarm_grade FROM twin.unit ORDER BY unit_id",
    "lot": "SELECT lot_id, unit_count_low, unit_count_mid, unit_count_high, mass_g_low, mass_g_mid,"
    " mass_g_high, modalities, evidence_ids, as_of FROM twin.lot ORDER BY lot_id",
    "slot_sight": "SELECT * FROM twin.slot_sight ORDER BY slot_id",
    "track": "SELECT epc_hex, through_at, state FROM twin.track ORDER BY epc_hex",
    "stay": "SELECT * FROM twin.stay ORDER BY epc_hex, first_at, is_accepted",
    "crossing": "SELECT * FROM twin.crossing ORDER BY epc_hex, crossed_at, is_accepted",
    "visit": "SELECT * FROM twin.visit ORDER BY vehicle_id, began_at",
    "standing": "SELECT * FROM twin.standing ORDER BY vehicle_id, began_at",
    "weighing": "SELECT * FROM twin.weighing ORDER BY observation_id",
    "mass_check": "SELECT * FROM twin.mass_check ORDER BY check_key",
    "vehicle": "SELECT vehicle_id, state, gate_id, entered_at, left_at, gross_g, tare_g FROM twin.vehicle"
    " ORDER BY vehicle_id",
    "alarm": "SELECT kind, grade, gate_id, vehicle_id, lot_ids, unit_ids, facts, evidence, first_at, last_at"
    " FROM twin.alarm WHERE state = 'active' ORDER BY kind, first_at, gate_id, unit_ids",
    "discrepancy": "SELECT discrepancy_key, cause, since, facts FROM twin.discrepancy"
    " WHERE settled_at IS NULL ORDER BY discrepancy_key",
    "asset": "SELECT asset_id, x_m, y_m, at, is_gone FROM twin.asset WHERE at IS NOT NULL ORDER BY asset_id",
}
"""By table. Timestamps come in the session's zone."""
