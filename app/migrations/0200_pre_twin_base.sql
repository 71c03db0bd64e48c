-- The twin: layouts, units as sensors see them, sightings, crossings, visits, evidence and alarms.
--
-- Sightings and claims are journals (no UPDATE, no DELETE). Stays, crossings, standings and visits are
-- derived from them and may be thrown away and derived again.

CREATE TABLE twin.site (
    site_id text PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),
    name_en text NOT NULL,
    name_zh text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('warehouse', 'ranch')),
    time_zone text NOT NULL,
    keeper_party_id text NOT NULL
);
COMMENT ON TABLE twin.site IS 'Sites and the version of the layout that is current.';

CREATE TABLE twin.layout_version (
    site_id text NOT NULL,
    version integer NOT NULL,
    layout jsonb NOT NULL,
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL,
    PRIMARY KEY (site_id, version)
);
COMMENT ON TABLE twin.layout_version IS 'Every layout a site has had. Append only.';

CREATE TABLE twin.slot (
    site_id text NOT NULL,
    slot_id text NOT NULL,
    rack_id text NOT NULL,
    zone_id text NOT NULL,
    bay integer NOT NULL,
    level integer NOT NULL,
    x_m double precision NOT NULL,
    y_m double precision NOT NULL,
    z_m double precision NOT NULL,
    PRIMARY KEY (site_id, slot_id)
);
COMMENT ON TABLE twin.slot IS 'Pallet places of each site''s current layout; metres in the site''s frame.';

CREATE TABLE twin.device_mount (
    device_id text PRIMARY KEY,
    site_id text NOT NULL,
    family text NOT NULL,
    mount_id text NOT NULL,
    placed_at timestamptz NOT NULL,
    retired_at timestamptz
);
COMMENT ON TABLE twin.device_mount IS 'Which device hangs on which mount of the layout, as the registry of devices told.';

CREATE TABLE twin.lot (
    lot_id text PRIMARY KEY,
    site_id text NOT NULL,
    sku text NOT NULL,
    owner_party_id text NOT NULL,
    unit_count_low integer NOT NULL DEFAULT 0 CHECK (unit_count_low >= 0),
    unit_count_mid integer NOT NULL DEFAULT 0,
    unit_count_high integer NOT NULL DEFAULT 0,
    mass_g_low bigint,
    mass_g_mid bigint,
    mass_g_high bigint,
    modalities jsonb NOT NULL DEFAULT '{}',
    evidence_ids jsonb NOT NULL DEFAULT '[]',
    as_of timestamptz,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CHECK (unit_count_low <= unit_count_mid AND unit_count_mid <= unit_count_high)
);
COMMENT ON TABLE twin.lot IS 'Verified stock of each lot: counts at 99 percent, mass interval, modalities that agree. From sensors only.';
CREATE INDEX ON twin.lot (site_id);

CREATE TABLE twin.unit (
    unit_id text PRIMARY KEY,
    site_id text NOT NULL,
    lot_id text NOT NULL REFERENCES twin.lot,
    sku text NOT NULL,
    owner_party_id text NOT NULL,
    sscc text NOT NULL,
    epc_hex text,
    expected_mass_g bigint CHECK (expected_mass_g > 0),
    quantity_each bigint NOT NULL CHECK (quantity_each >= 0),
    declared_at timestamptz NOT NULL,
    claimed_slot_id text,
    claimed_at timestamptz,
    claim_cause text,
    place text NOT NULL DEFAULT 'unknown' CHECK (place IN ('slot', 'staging', 'gate', 'vehicle', 'left', 'unknown')),
    slot_id text,
    x_m double precision,
    y_m double precision,
    z_m double precision,
    level text NOT NULL DEFAULT 'claimed' CHECK (level IN ('claimed', 'seen', 'verified', 'missing')),
    probability double precision NOT NULL DEFAULT 0 CHECK (probability BETWEEN 0 AND 1),
    modalities jsonb NOT NULL DEFAULT '{}',
    evidence_ids jsonb NOT NULL DEFAULT '{}',
    mass_g bigint,
    last_seen_at timestamptz,
    alarm_grade text CHECK (alarm_grade IN ('note', 'check', 'restrict', 'freeze')),
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
COMMENT ON TABLE twin.unit IS 'Pallets and other tracked units: what the books declare and claim, and where sensors saw them.';
CREATE INDEX ON twin.unit (site_id, changed_xid);
CREATE INDEX ON twin.unit (lot_id);
CREATE INDEX ON twin.unit (site_id, slot_id) WHERE slot_id IS NOT NULL;
CREATE INDEX ON twin.unit (site_id, sscc);
CREATE UNIQUE INDEX unit_tag ON twin.unit (site_id, epc_hex);

CREATE TABLE twin.claim (
    claim_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id text NOT NULL,
    unit_id text NOT NULL,
    slot_id text,
    claimed_at timestamptz NOT NULL,
    cause text NOT NULL
);
COMMENT ON TABLE twin.claim IS 'What the books said, when: a unit stands in a slot, or (slot null) nowhere here. Append only; never evidence.';
CREATE INDEX ON twin.claim (unit_id, claim_id);

CREATE TABLE twin.vehicle (
    vehicle_id text PRIMARY KEY,
    site_id text NOT NULL,
    epc_hex text,
    plate text NOT NULL,
    declared_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'away' CHECK (state IN ('away', 'approaching', 'inside', 'leaving', 'left')),
    gate_id text,
    entered_at timestamptz,
    left_at timestamptz,
    gross_g bigint,
    tare_g bigint,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
COMMENT ON TABLE twin.vehicle IS 'Trucks with their tag and plate, and how their latest visit stands.';
CREATE UNIQUE INDEX vehicle_tag ON twin.vehicle (site_id, epc_hex);

CREATE TABLE twin.sighting (
    observation_id text PRIMARY KEY,
    site_id text NOT NULL,
    epc_hex text NOT NULL,
    device_id text NOT NULL,
    boot bigint NOT NULL,
    sequence bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('tag', 'picked_up', 'set_down')),
    gate_id text,
    side text CHECK (side IN ('outside', 'inside')),
    rssi_cdbm integer NOT NULL DEFAULT 0,
    seen_count integer NOT NULL DEFAULT 1,
    place text,
    slot_id text,
    x_m double precision,
    y_m double precision,
    z_m double precision
);
COMMENT ON TABLE twin.sighting IS 'What a device saw of a tag, once per observation. Append only: the ground of everything derived.';
CREATE INDEX ON twin.sighting (site_id, epc_hex, observed_at);

CREATE TABLE twin.track (
    site_id text NOT NULL,
    epc_hex text NOT NULL,
    through_at timestamptz NOT NULL,
    through_device text NOT NULL,
    through_boot bigint NOT NULL,
    through_sequence bigint NOT NULL,
    state jsonb NOT NULL,
    PRIMARY KEY (site_id, epc_hex)
);
COMMENT ON TABLE twin.track IS 'How far a tag''s sightings are folded and the state then: later ones continue, earlier ones fold all again.';

CREATE TABLE twin.stay (
    site_id text NOT NULL,
    gate_id text NOT NULL,
    epc_hex text NOT NULL,
    side text NOT NULL CHECK (side IN ('outside', 'inside')),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL CHECK (last_at >= first_at),
    evidence_ids jsonb NOT NULL,
    PRIMARY KEY (site_id, gate_id, epc_hex, first_at)
);
COMMENT ON TABLE twin.stay IS 'A tag was on one side of a gate''s portal for a while. Derived from sightings.';
CREATE INDEX ON twin.stay (site_id, gate_id, last_at);
CREATE INDEX ON twin.stay (site_id, epc_hex, first_at);

CREATE TABLE twin.crossing (
    site_id text NOT NULL,
    gate_id text NOT NULL,
    epc_hex text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    crossed_at timestamptz NOT NULL,
    is_direct boolean NOT NULL,
    evidence_ids jsonb NOT NULL,
    PRIMARY KEY (site_id, epc_hex, crossed_at, direction)
);
COMMENT ON TABLE twin.crossing IS 'A tag passed a gate. Derived from sightings.';
CREATE INDEX ON twin.crossing (site_id, gate_id, crossed_at);

CREATE TABLE twin.weighing (
    observation_id text PRIMARY KEY,
    site_id text NOT NULL,
    gate_id text,
    weighbridge_id text NOT NULL,
    mass_g bigint NOT NULL,
    weight_id bigint NOT NULL,
    weighed_at timestamptz NOT NULL,
    vehicle_id text,
    direction text CHECK (direction IN ('in', 'out'))
);
COMMENT ON TABLE twin.weighing IS 'Stable weighings; vehicle and direction are derived and may be corrected by later evidence.';
CREATE INDEX ON twin.weighing (site_id, weighbridge_id, weighed_at);
CREATE INDEX ON twin.weighing (vehicle_id, weighed_at);

CREATE TABLE twin.barrier_state (
    observation_id text PRIMARY KEY,
    site_id text NOT NULL,
    gate_id text NOT NULL,
    device_id text NOT NULL,
    observed_at timestamptz NOT NULL,
    is_open boolean NOT NULL,
    is_closed boolean NOT NULL,
    loop_occupied boolean NOT NULL
);
COMMENT ON TABLE twin.barrier_state IS 'What barriers reported of themselves and their loop. Append only.';
CREATE INDEX ON twin.barrier_state (site_id, gate_id, observed_at);

CREATE TABLE twin.visit (
    vehicle_id text NOT NULL,
    began_at timestamptz NOT NULL,
    site_id text NOT NULL,
    entered_at timestamptz,
    left_at timestamptz,
    entry jsonb,
    exit jsonb,
    PRIMARY KEY (vehicle_id, began_at)
);
COMMENT ON TABLE twin.visit IS 'A vehicle''s visit with its weighings in and out. Derived.';

CREATE TABLE twin.standing (
    site_id text NOT NULL,
    gate_id text NOT NULL,
    vehicle_id text NOT NULL,
    began_at timestamptz NOT NULL,
    visit_began_at timestamptz NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    outcome text NOT NULL CHECK (outcome IN ('standing', 'passed', 'returned', 'left')),
    last_at timestamptz NOT NULL,
    crossed_at timestamptz,
    left_at timestamptz,
    weighing jsonb,
    entry jsonb,
    unit_ids text[] NOT NULL DEFAULT '{}',
    evidence_ids jsonb NOT NULL,
    PRIMARY KEY (site_id, vehicle_id, began_at)
);
COMMENT ON TABLE twin.standing IS 'A vehicle stood at a gate, inwards or outwards, with these units heard. Derived.';
CREATE INDEX ON twin.standing (site_id, gate_id, last_at);
CREATE INDEX ON twin.standing USING gin (unit_ids);

CREATE TABLE twin.mass_check (
    check_key text PRIMARY KEY,
    site_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('delivery', 'received', 'exit')),
    vehicle_id text NOT NULL,
    delivery_id text,
    unit_ids text[] NOT NULL,
    measured_g bigint NOT NULL,
    expected_g bigint NOT NULL,
    agrees boolean NOT NULL,
    differs boolean NOT NULL,
    weighed_at timestamptz NOT NULL,
    observation_id text NOT NULL,
    evidence_ids jsonb NOT NULL,
    CHECK (NOT (agrees AND differs))
);
COMMENT ON TABLE twin.mass_check IS 'The difference of two weighings of a vehicle against the units it brought or took. It agrees when it vouches for them, differs when it contradicts them; a mass too small to tell from nothing does neither. Derived.';
CREATE INDEX ON twin.mass_check USING gin (unit_ids);
CREATE INDEX ON twin.mass_check (vehicle_id, weighed_at);

CREATE TABLE twin.expected_arrival (
    delivery_id text PRIMARY KEY,
    site_id text NOT NULL,
    vehicle_id text NOT NULL,
    unit_ids text[] NOT NULL,
    expected_net_g bigint NOT NULL,
    declared_at timestamptz NOT NULL
);
COMMENT ON TABLE twin.expected_arrival IS 'Announced deliveries. Claims, not evidence.';
CREATE INDEX ON twin.expected_arrival (vehicle_id, declared_at);
CREATE INDEX ON twin.expected_arrival USING gin (unit_ids);

CREATE TABLE twin.expected_departure (
    release_id text PRIMARY KEY,
    site_id text NOT NULL,
    gate_id text NOT NULL,
    vehicle_id text NOT NULL,
    unit_ids text[] NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL CHECK (valid_until > valid_from),
    cancelled_at timestamptz
);
COMMENT ON TABLE twin.expected_departure IS 'Releases: which units may leave on which vehicle through which gate, and when.';
CREATE INDEX ON twin.expected_departure (site_id, gate_id, valid_until);
CREATE INDEX ON twin.expected_departure USING gin (unit_ids);

CREATE TABLE twin.discrepancy (
    discrepancy_key text PRIMARY KEY,
    site_id text NOT NULL,
    lot_id text NOT NULL,
    unit_id text,
    kind text NOT NULL,
    cause text NOT NULL,
    since timestamptz NOT NULL,
    facts jsonb NOT NULL,
    settled_at timestamptz
);
COMMENT ON TABLE twin.discrepancy IS 'Where books and sensors disagree: since when, why; settled when they agree again.';
CREATE INDEX ON twin.discrepancy (lot_id) WHERE settled_at IS NULL;
CREATE INDEX ON twin.discrepancy (unit_id);

CREATE TABLE twin.alarm (
    alarm_id text PRIMARY KEY,
    site_id text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    grade text NOT NULL CHECK (grade IN ('note', 'check', 'restrict', 'freeze')),
    state text NOT NULL CHECK (state IN ('active', 'cleared')),
    gate_id text,
    vehicle_id text,
    lot_ids text[] NOT NULL,
    unit_ids text[] NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    raised_at timestamptz NOT NULL,
    facts jsonb NOT NULL,
    evidence jsonb NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    cleared_at timestamptz,
    cleared_by text,
    clear_reason text,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CHECK ((state = 'cleared') = (cleared_at IS NOT NULL))
);
COMMENT ON TABLE twin.alarm IS 'Alarms by grade with their evidence. One row per incident; the grade may rise.';
CREATE INDEX ON twin.alarm (site_id, changed_xid);
CREATE INDEX ON twin.alarm (site_id, kind, subject, last_at);
CREATE INDEX ON twin.alarm USING gin (lot_ids);
CREATE INDEX ON twin.alarm USING gin (unit_ids);

CREATE TABLE twin.asset (
    asset_id text PRIMARY KEY,
    site_id text NOT NULL,
    index integer NOT NULL CHECK (index > 0),
    device_id text UNIQUE,
    kind text NOT NULL CHECK (kind IN ('forklift', 'person', 'truck')),
    label text NOT NULL,
    x_m double precision,
    y_m double precision,
    z_m double precision,
    heading_deg double precision NOT NULL DEFAULT 0,
    load_epc_hex text,
    at timestamptz,
    is_gone boolean NOT NULL DEFAULT false,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (site_id, index)
);
COMMENT ON TABLE twin.asset IS 'Latest pose of forklifts, people (pseudonyms only) and trucks.';
CREATE INDEX ON twin.asset (site_id, changed_xid);

CREATE TABLE twin.fact (
    fact_key text PRIMARY KEY,
    emitted_at timestamptz NOT NULL
);
COMMENT ON TABLE twin.fact IS 'Facts already told as events: deriving the same fact again does not tell it twice.';

CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON twin.lot FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON twin.unit FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON twin.vehicle FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON twin.alarm FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON twin.asset FOR EACH ROW EXECUTE FUNCTION app.touch();

-- Who sees what. A unit: those who see its site or its lot, and its owner. What hangs on a site without
-- being a unit (layout, slots, barriers): those who see the site or any lot on it. People, vehicles and
-- weighings: only those who see the whole site.

ALTER TABLE twin.unit ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.unit FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.unit FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects())
    OR lot_id IN (SELECT identity.visible_subjects())
    OR owner_party_id = identity.current_party()
);
ALTER TABLE twin.lot ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.lot FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.lot FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects())
    OR lot_id IN (SELECT identity.visible_subjects())
    OR owner_party_id = identity.current_party()
);
ALTER TABLE twin.discrepancy ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.discrepancy FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.discrepancy FOR SELECT TO tallyhouse_read USING (
    EXISTS (SELECT FROM twin.lot l WHERE l.lot_id = discrepancy.lot_id)
);
ALTER TABLE twin.alarm ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.alarm FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.alarm FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects())
    OR EXISTS (SELECT FROM twin.lot l WHERE l.lot_id = ANY (alarm.lot_ids))
);
ALTER TABLE twin.claim ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.claim FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.claim FOR SELECT TO tallyhouse_read USING (
    EXISTS (SELECT FROM twin.unit u WHERE u.unit_id = claim.unit_id)
);
ALTER TABLE twin.sighting ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.sighting FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.sighting FOR SELECT TO tallyhouse_read USING (
    EXISTS (
        SELECT FROM twin.unit u WHERE u.site_id = sighting.site_id AND u.epc_hex = sighting.epc_hex
    )
);
ALTER TABLE twin.track ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.track FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.track FOR SELECT TO tallyhouse_read USING (
    EXISTS (SELECT FROM twin.unit u WHERE u.site_id = track.site_id AND u.epc_hex = track.epc_hex)
);
ALTER TABLE twin.mass_check ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.mass_check FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.mass_check FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects())
    OR EXISTS (SELECT FROM twin.unit u WHERE u.unit_id = ANY (mass_check.unit_ids))
);
ALTER TABLE twin.asset ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.asset FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.asset FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects())
    OR (kind <> 'person' AND EXISTS (SELECT FROM twin.lot l WHERE l.site_id = asset.site_id))
);
ALTER TABLE twin.site ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.site FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.site FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects())
    OR EXISTS (SELECT FROM twin.lot l WHERE l.site_id = site.site_id)
);

DO $$
DECLARE
    hanging text;
BEGIN
    FOREACH hanging IN ARRAY ARRAY['layout_version', 'slot', 'barrier_state'] LOOP
        EXECUTE format('ALTER TABLE twin.%I ENABLE ROW LEVEL SECURITY', hanging);
        EXECUTE format('ALTER TABLE twin.%I FORCE ROW LEVEL SECURITY', hanging);
        EXECUTE format(
            'CREATE POLICY see ON twin.%I FOR SELECT TO tallyhouse_read'
            ' USING (site_id IN (SELECT s.site_id FROM twin.site s))', hanging);
    END LOOP;
    FOREACH hanging IN ARRAY ARRAY['vehicle', 'weighing'] LOOP
        EXECUTE format('ALTER TABLE twin.%I ENABLE ROW LEVEL SECURITY', hanging);
        EXECUTE format('ALTER TABLE twin.%I FORCE ROW LEVEL SECURITY', hanging);
        EXECUTE format(
            'CREATE POLICY see ON twin.%I FOR SELECT TO tallyhouse_read'
            ' USING (site_id IN (SELECT identity.visible_subjects()))', hanging);
    END LOOP;
    FOREACH hanging IN ARRAY ARRAY[
        'unit', 'lot', 'discrepancy', 'alarm', 'claim', 'sighting', 'track', 'mass_check', 'asset', 'site',
        'layout_version', 'slot', 'vehicle', 'weighing', 'barrier_state'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY act ON twin.%I TO tallyhouse_command USING (true) WITH CHECK (true)', hanging);
        EXECUTE format('GRANT SELECT ON twin.%I TO tallyhouse_read', hanging);
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON twin.layout_version, twin.claim, twin.sighting, twin.barrier_state, twin.fact TO tallyhouse_command;
GRANT SELECT, INSERT, UPDATE ON
    twin.site, twin.device_mount, twin.lot, twin.unit, twin.vehicle, twin.weighing, twin.expected_arrival,
    twin.expected_departure, twin.discrepancy, twin.alarm, twin.asset TO tallyhouse_command;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    twin.slot, twin.track, twin.stay, twin.crossing, twin.visit, twin.standing, twin.mass_check TO tallyhouse_command;
