-- Warehouse management: catalogue, stock journal and balances, holds, inbound, tasks, orders, dispatch.
-- Bins whose name starts with @ are outside the books (suppliers, customers, corrections): moves name them,
-- no balance exists for them.

CREATE TABLE wms.sku (
    sku text PRIMARY KEY CHECK (sku = upper(sku) AND sku <> ''),
    name_en text NOT NULL,
    name_zh text NOT NULL,
    unit_mass_g bigint NOT NULL CHECK (unit_mass_g >= 0),
    handling text NOT NULL CHECK (handling IN ('ambient', 'chilled', 'frozen', 'hazard')),
    registered_by_party_id text NOT NULL,
    registered_at timestamptz NOT NULL
);
COMMENT ON TABLE wms.sku IS 'The catalogue of items. Names only, so every party may read it; the party that entered an item is the only one to correct it.';

CREATE TABLE wms.lot (
    lot_id text PRIMARY KEY,
    site_id text NOT NULL,
    owner_party_id text NOT NULL,
    sku text NOT NULL REFERENCES wms.sku,
    code text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (site_id, owner_party_id, sku, code)
);
COMMENT ON TABLE wms.lot IS 'A lot of one item of one owner at one site. Its id is the subject by which an owner or a bank may see it. created_at orders first in, first out.';

CREATE TABLE wms.unit (
    unit_id text PRIMARY KEY,
    site_id text NOT NULL,
    owner_party_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('pallet', 'parcel')),
    lot_id text REFERENCES wms.lot,
    sku text REFERENCES wms.sku,
    sscc text,
    epc_hex text,
    full_each bigint NOT NULL CHECK (full_each >= 0),
    full_mass_g bigint NOT NULL CHECK (full_mass_g >= 0),
    created_at timestamptz NOT NULL,
    UNIQUE (site_id, sscc),
    UNIQUE (site_id, epc_hex),
    CHECK (kind = 'parcel' OR (lot_id IS NOT NULL AND sku IS NOT NULL AND sscc IS NOT NULL AND full_each > 0))
);
COMMENT ON TABLE wms.unit IS 'What is handled as one piece: a pallet of one lot, or a parcel packed for an order. full_each and full_mass_g are what it held when declared.';
CREATE INDEX ON wms.unit (lot_id);

CREATE TABLE wms.hold (
    hold_id text PRIMARY KEY,
    site_id text NOT NULL,
    reason_code text NOT NULL,
    holder_ref text NOT NULL,
    placed_at timestamptz NOT NULL,
    placed_by text NOT NULL,
    lifted_at timestamptz,
    lifted_by text,
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
COMMENT ON TABLE wms.hold IS 'A neutral hold: its units may be neither moved nor promised. Why is the holder''s business.';

CREATE TABLE wms.hold_unit (
    hold_id text NOT NULL REFERENCES wms.hold,
    unit_id text NOT NULL REFERENCES wms.unit,
    site_id text NOT NULL,
    lot_id text NOT NULL REFERENCES wms.lot,
    lifted_at timestamptz,
    PRIMARY KEY (hold_id, unit_id)
);
COMMENT ON TABLE wms.hold_unit IS 'The units under each hold. The partial unique index refuses two live holds on one unit.';
CREATE UNIQUE INDEX hold_unit_one_live ON wms.hold_unit (unit_id) WHERE lifted_at IS NULL;

CREATE TABLE wms.stock_move (
    move_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id text NOT NULL,
    owner_party_id text NOT NULL,
    sku text NOT NULL,
    lot_id text NOT NULL,
    quantity_each bigint NOT NULL CHECK (quantity_each > 0),
    from_unit_id text NOT NULL,
    from_bin text NOT NULL,
    from_status text NOT NULL,
    from_hold_id text,
    to_unit_id text NOT NULL,
    to_bin text NOT NULL,
    to_status text NOT NULL,
    to_hold_id text,
    cause text NOT NULL,
    ref_id text NOT NULL,
    evidence_id text,
    moved_by text NOT NULL,
    moved_at timestamptz NOT NULL,
    CONSTRAINT stock_move_changes_something CHECK (
        (from_unit_id, from_bin, from_status, coalesce(from_hold_id, ''))
        <> (to_unit_id, to_bin, to_status, coalesce(to_hold_id, ''))
    ),
    CONSTRAINT held_stock_stands_still CHECK (
        (from_hold_id IS NULL AND to_hold_id IS NULL)
        OR (from_unit_id = to_unit_id AND from_bin = to_bin)
    )
);
COMMENT ON TABLE wms.stock_move IS 'The stock journal, append only, double entry: pieces leave one place (unit, bin, status, hold) and enter another. Corrections are new rows.';
CREATE INDEX ON wms.stock_move (from_unit_id);
CREATE INDEX ON wms.stock_move (to_unit_id);
CREATE INDEX ON wms.stock_move (site_id, move_id);

CREATE TABLE wms.balance (
    balance_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id text NOT NULL,
    owner_party_id text NOT NULL,
    sku text NOT NULL REFERENCES wms.sku,
    lot_id text NOT NULL REFERENCES wms.lot,
    unit_id text NOT NULL REFERENCES wms.unit,
    bin text NOT NULL CHECK (bin NOT LIKE '@%'),
    status text NOT NULL CHECK (status IN ('available', 'inspect', 'damaged')),
    hold_id text REFERENCES wms.hold,
    quantity_each bigint NOT NULL,
    reserved_each bigint NOT NULL,
    changed_xid xid8 NOT NULL,
    CONSTRAINT balance_never_negative CHECK (quantity_each >= 0),
    CONSTRAINT reserved_within_stock CHECK (0 <= reserved_each AND reserved_each <= quantity_each),
    CONSTRAINT held_stock_is_not_promised CHECK (hold_id IS NULL OR reserved_each = 0),
    CONSTRAINT only_available_is_promised CHECK (status = 'available' OR reserved_each = 0),
    CONSTRAINT balance_key UNIQUE NULLS NOT DISTINCT (unit_id, bin, status, hold_id, sku, lot_id, owner_party_id, site_id)
);
COMMENT ON TABLE wms.balance IS 'How many pieces are where, by owner, item, lot, unit, bin, status and hold: the sum of the moves, kept in their transaction. reserved_each is the sum of live reservations.';
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON wms.balance FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE INDEX ON wms.balance (site_id, changed_xid);
CREATE INDEX ON wms.balance (lot_id);
CREATE INDEX balance_stock ON wms.balance (site_id, sku) WHERE quantity_each > 0;
CREATE INDEX balance_bin ON wms.balance (site_id, bin) WHERE quantity_each > 0;
CREATE INDEX ON wms.balance (hold_id) WHERE hold_id IS NOT NULL;

CREATE TABLE wms.visit (
    visit_id text PRIMARY KEY,
    site_id text NOT NULL,
    vehicle_id text NOT NULL,
    plate text NOT NULL,
    epc_hex text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('delivery', 'pickup')),
    state text NOT NULL CHECK (state IN ('expected', 'admitted', 'leaving', 'left', 'cancelled')),
    entry_mass_g bigint CHECK (entry_mass_g > 0),
    exit_mass_g bigint CHECK (exit_mass_g > 0),
    expected_at timestamptz NOT NULL,
    admitted_at timestamptz,
    left_at timestamptz,
    barrier_tries integer NOT NULL DEFAULT 0 CHECK (barrier_tries >= 0)
);
COMMENT ON TABLE wms.visit IS 'A vehicle''s stay: expected, admitted (the barrier was opened for it), leaving (opened for it on the way out), left. Masses are what the lane''s weighbridge showed on the way in and out; barrier_tries counts failed orders to the barrier in a row.';
CREATE UNIQUE INDEX visit_one_live ON wms.visit (site_id, vehicle_id) WHERE state IN ('expected', 'admitted', 'leaving');
CREATE INDEX ON wms.visit (site_id, visit_id);

CREATE TABLE wms.vehicle (
    vehicle_id text PRIMARY KEY,
    site_id text NOT NULL,
    plate text NOT NULL,
    epc_hex text NOT NULL,
    UNIQUE (site_id, plate),
    UNIQUE (site_id, epc_hex)
);
COMMENT ON TABLE wms.vehicle IS 'Vehicles known at a site by plate and windscreen tag.';

CREATE TABLE wms.delivery (
    delivery_id text PRIMARY KEY,
    site_id text NOT NULL,
    owner_party_id text NOT NULL,
    lot_id text NOT NULL REFERENCES wms.lot,
    sku text NOT NULL REFERENCES wms.sku,
    visit_id text NOT NULL REFERENCES wms.visit,
    state text NOT NULL CHECK (state IN ('announced', 'arrived', 'receiving', 'received')),
    expected_net_g bigint NOT NULL CHECK (expected_net_g >= 0),
    announced_at timestamptz NOT NULL,
    received_at timestamptz
);
COMMENT ON TABLE wms.delivery IS 'An announced delivery (advance shipping notice) of one lot on one vehicle.';
CREATE INDEX ON wms.delivery (site_id, delivery_id);
CREATE INDEX ON wms.delivery (visit_id);

CREATE TABLE wms.delivery_unit (
    delivery_id text NOT NULL REFERENCES wms.delivery,
    unit_id text NOT NULL UNIQUE REFERENCES wms.unit,
    seen_at timestamptz,
    put_away_at timestamptz,
    PRIMARY KEY (delivery_id, unit_id)
);
COMMENT ON TABLE wms.delivery_unit IS 'The units a delivery announced, when each was seen to cross the gate and when it was put away.';

CREATE TABLE wms.outbound_order (
    order_id text PRIMARY KEY,
    site_id text NOT NULL,
    owner_party_id text NOT NULL,
    reference text NOT NULL,
    source text NOT NULL,
    customer text NOT NULL,
    state text NOT NULL CHECK (
        state IN ('received', 'held', 'refused', 'short', 'allocated', 'picking', 'ready', 'shipped', 'cancelled')
    ),
    request_sha256 text NOT NULL,
    parcel_unit_id text REFERENCES wms.unit,
    placed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    ended_reason text,
    UNIQUE (site_id, source, reference)
);
COMMENT ON TABLE wms.outbound_order IS 'An order to send goods out. source is "desk" or the name of an imported file; request_sha256 recognises the same order sent again; parcel_unit_id is what loose pieces are packed into.';
CREATE INDEX ON wms.outbound_order (site_id, order_id);

CREATE TABLE wms.order_line (
    order_id text NOT NULL REFERENCES wms.outbound_order,
    line_no integer NOT NULL CHECK (line_no > 0),
    site_id text NOT NULL,
    owner_party_id text NOT NULL,
    sku text NOT NULL,
    lot_id text,
    unit_ids text[] NOT NULL,
    quantity_each bigint NOT NULL,
    refused boolean NOT NULL,
    reserved_each bigint NOT NULL DEFAULT 0 CHECK (reserved_each >= 0),
    picked_each bigint NOT NULL DEFAULT 0 CHECK (picked_each >= 0),
    shipped_each bigint NOT NULL DEFAULT 0 CHECK (shipped_each >= 0),
    row_number integer,
    description text NOT NULL DEFAULT '',
    price_milli bigint,
    PRIMARY KEY (order_id, line_no),
    CHECK (refused OR quantity_each > 0),
    CHECK (reserved_each + picked_each + shipped_each <= greatest(quantity_each, 0)),
    CHECK (NOT refused OR reserved_each + picked_each + shipped_each = 0)
);
COMMENT ON TABLE wms.order_line IS 'What an order wants, and how much of it is promised, picked and shipped. Refused lines keep what the file said.';
CREATE INDEX ON wms.order_line (site_id, sku);

CREATE TABLE wms.review_rule (
    rule text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    priority integer NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('refuse', 'hold')),
    parameters jsonb NOT NULL,
    valid_from timestamptz NOT NULL,
    PRIMARY KEY (rule, version)
);
COMMENT ON TABLE wms.review_rule IS 'The rules of order review as data. A change is a new version; the newest version valid at the time of the order applies.';

CREATE TABLE wms.review (
    order_id text NOT NULL REFERENCES wms.outbound_order,
    site_id text NOT NULL,
    rule text NOT NULL,
    version integer NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('pass', 'refuse', 'hold')),
    inputs jsonb NOT NULL,
    reviewed_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, rule),
    FOREIGN KEY (rule, version) REFERENCES wms.review_rule
);
COMMENT ON TABLE wms.review IS 'What each rule said about each order: version, inputs, outcome. Append only; a replay gives the same.';

CREATE TABLE wms.line_reason (
    order_id text NOT NULL,
    line_no integer NOT NULL,
    site_id text NOT NULL,
    key text NOT NULL,
    is_first boolean NOT NULL,
    facts jsonb NOT NULL,
    PRIMARY KEY (order_id, line_no, key),
    FOREIGN KEY (order_id, line_no) REFERENCES wms.order_line
);
COMMENT ON TABLE wms.line_reason IS 'Every reason why a line was refused or held; is_first marks the one it is counted under.';
CREATE UNIQUE INDEX line_reason_first ON wms.line_reason (order_id, line_no) WHERE is_first;

CREATE TABLE wms.reservation (
    reservation_id text PRIMARY KEY,
    site_id text NOT NULL,
    order_id text NOT NULL,
    line_no integer NOT NULL,
    balance_id bigint NOT NULL REFERENCES wms.balance,
    quantity_each bigint NOT NULL CHECK (quantity_each > 0),
    mass_g bigint NOT NULL CHECK (mass_g >= 0),
    state text NOT NULL CHECK (state IN ('reserved', 'picked', 'shipped', 'released')),
    reserved_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    FOREIGN KEY (order_id, line_no) REFERENCES wms.order_line
);
COMMENT ON TABLE wms.reservation IS 'A promise of pieces of one balance row to one order line: reserved, picked, shipped; or released. balance_id is where the pieces are now.';
CREATE INDEX ON wms.reservation (order_id, line_no);
CREATE INDEX ON wms.reservation (balance_id) WHERE state IN ('reserved', 'picked');

CREATE TABLE wms.task (
    task_id text PRIMARY KEY,
    site_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('putaway', 'pick')),
    state text NOT NULL CHECK (state IN ('open', 'claimed', 'done', 'cancelled')),
    unit_id text NOT NULL REFERENCES wms.unit,
    quantity_each bigint NOT NULL CHECK (quantity_each > 0),
    from_bin text NOT NULL,
    to_bin text NOT NULL,
    delivery_id text REFERENCES wms.delivery,
    order_id text REFERENCES wms.outbound_order,
    line_no integer,
    reservation_id text UNIQUE REFERENCES wms.reservation,
    priority integer NOT NULL,
    explanation jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    claimed_by text,
    claimed_at timestamptz,
    done_by text,
    done_at timestamptz,
    CHECK (state <> 'claimed' OR (claimed_by IS NOT NULL AND claimed_at IS NOT NULL)),
    CHECK ((state = 'done') = (done_at IS NOT NULL)),
    CHECK (kind = 'putaway' OR (order_id IS NOT NULL AND reservation_id IS NOT NULL))
);
COMMENT ON TABLE wms.task IS 'Work for a person with a handheld: put a unit away, or pick pieces from one. explanation says how the place was chosen.';
CREATE INDEX task_live ON wms.task (site_id, unit_id) WHERE state IN ('open', 'claimed');
CREATE INDEX ON wms.task (site_id, state, task_id);
CREATE INDEX ON wms.task (order_id);
CREATE UNIQUE INDEX task_one_putaway ON wms.task (unit_id) WHERE kind = 'putaway' AND state IN ('open', 'claimed');
CREATE UNIQUE INDEX task_slot_taken_once ON wms.task (site_id, to_bin) WHERE kind = 'putaway' AND state IN ('open', 'claimed');

CREATE TABLE wms.scan (
    scan_no bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    device_id text NOT NULL,
    boot bigint NOT NULL,
    sequence bigint NOT NULL,
    site_id text NOT NULL,
    observed_at timestamptz NOT NULL,
    code text NOT NULL,
    place_code text,
    asked_task_id text,
    task_id text,
    outcome text NOT NULL CHECK (outcome IN ('done', 'refused', 'noted')),
    key text,
    facts jsonb NOT NULL,
    person_id text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (device_id, boot, sequence),
    CHECK ((outcome = 'refused') = (key IS NOT NULL))
);
COMMENT ON TABLE wms.scan IS 'Every scan and the answer it got, by device, boot and sequence: sent again, it gets the same answer. Append only.';
CREATE INDEX ON wms.scan (site_id, scan_no);

CREATE TABLE wms.release (
    release_id text PRIMARY KEY,
    site_id text NOT NULL,
    owner_party_id text NOT NULL,
    order_id text NOT NULL REFERENCES wms.outbound_order,
    gate_id text NOT NULL,
    vehicle_id text NOT NULL REFERENCES wms.vehicle,
    state text NOT NULL CHECK (state IN ('issued', 'at_gate', 'departed', 'expired', 'cancelled')),
    expected_mass_g bigint NOT NULL CHECK (expected_mass_g >= 0),
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    issued_by text NOT NULL,
    departed_at timestamptz,
    CHECK (valid_until > valid_from),
    CHECK ((state = 'departed') = (departed_at IS NOT NULL))
);
COMMENT ON TABLE wms.release IS 'Leave to take picked goods out: one vehicle, one gate, a time. Used once.';
CREATE INDEX ON wms.release (site_id, release_id);
CREATE INDEX release_live ON wms.release (site_id, vehicle_id) WHERE state IN ('issued', 'at_gate');

CREATE TABLE wms.release_reservation (
    release_id text NOT NULL REFERENCES wms.release,
    reservation_id text NOT NULL REFERENCES wms.reservation,
    unit_id text NOT NULL REFERENCES wms.unit,
    ended_at timestamptz,
    PRIMARY KEY (release_id, reservation_id)
);
COMMENT ON TABLE wms.release_reservation IS 'The picked promises a release lets out. The partial unique index refuses two live releases of the same goods.';
CREATE UNIQUE INDEX release_reservation_one_live ON wms.release_reservation (reservation_id) WHERE ended_at IS NULL;

CREATE TABLE wms.gate_presence (
    site_id text NOT NULL,
    gate_id text NOT NULL,
    vehicle_id text NOT NULL REFERENCES wms.vehicle,
    seen jsonb NOT NULL,
    seen_at timestamptz NOT NULL,
    gone_at timestamptz,
    PRIMARY KEY (site_id, gate_id, vehicle_id)
);
COMMENT ON TABLE wms.gate_presence IS 'What the twin last saw of a vehicle at a gate, so that a visit or release that comes later is decided at once.';

CREATE TABLE wms.gate_decision (
    decision_no bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    decision_id text PRIMARY KEY,
    site_id text NOT NULL,
    gate_id text NOT NULL,
    visit_id text,
    vehicle_id text,
    direction text CHECK (direction IN ('in', 'out')),
    opened boolean NOT NULL,
    reason_key text NOT NULL,
    facts jsonb NOT NULL,
    release_ids text[] NOT NULL,
    evidence_ids text[] NOT NULL,
    decided_by text,
    decided_at timestamptz NOT NULL,
    CHECK ((direction IS NULL) = (decided_by IS NOT NULL))
);
COMMENT ON TABLE wms.gate_decision IS 'Each time the gate was opened or kept shut for what stood at it, and why. Append only. decided_by is the person who had it opened by hand; a direction is known only when the gate decided by itself.';
CREATE INDEX ON wms.gate_decision (site_id, decision_no);
CREATE INDEX ON wms.gate_decision (site_id, gate_id, vehicle_id, decision_no);

INSERT INTO wms.review_rule (rule, version, priority, outcome, parameters, valid_from) VALUES
    ('junk_code', 1, 10, 'refuse', '{"codes": ["POST", "DOT", "M", "D", "C2", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS", "ADJUST", "ADJUST2", "TEST001", "TEST002"]}', '-infinity'),
    ('return', 1, 20, 'refuse', '{"reference_prefix": "C"}', '-infinity'),
    ('cancellation', 1, 30, 'refuse', '{"reference_prefix": "C"}', '-infinity'),
    ('bad_quantity', 1, 40, 'refuse', '{"each_max": 100000, "reference_prefix": "C"}', '-infinity'),
    ('no_price', 1, 50, 'refuse', '{}', '-infinity'),
    ('no_customer', 1, 60, 'refuse', '{}', '-infinity'),
    ('unknown_sku', 1, 70, 'refuse', '{}', '-infinity'),
    ('duplicate', 1, 80, 'refuse', '{}', '-infinity'),
    ('large_quantity', 1, 90, 'hold', '{"each_max": 10000}', '-infinity');

GRANT SELECT ON ALL TABLES IN SCHEMA wms TO tallyhouse_read;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA wms TO tallyhouse_command;
REVOKE UPDATE ON wms.stock_move, wms.scan, wms.gate_decision, wms.review, wms.review_rule, wms.line_reason FROM tallyhouse_command;
REVOKE INSERT ON wms.review_rule FROM tallyhouse_command;

-- Whoever may see the site, the owner of the goods, and whoever may see the lot (a bank it is pledged to).
DO $$
DECLARE
    named text;
    shown text;
    by_site CONSTANT text := 'site_id IN (SELECT identity.visible_subjects())';
    by_owner CONSTANT text := ' OR owner_party_id = identity.current_party()';
    by_lot CONSTANT text := ' OR lot_id IN (SELECT identity.visible_subjects())';
BEGIN
    FOR named, shown IN VALUES
        ('sku', 'true'),
        ('review_rule', 'true'),
        ('lot', by_site || by_owner || by_lot),
        ('unit', by_site || by_owner || by_lot),
        ('stock_move', by_site || by_owner || by_lot),
        ('balance', by_site || by_owner || by_lot),
        ('hold_unit', by_site || by_lot),
        ('hold', by_site || ' OR hold_id IN (SELECT u.hold_id FROM wms.hold_unit u)'),
        ('delivery', by_site || by_owner || by_lot),
        ('delivery_unit', 'delivery_id IN (SELECT d.delivery_id FROM wms.delivery d)'),
        ('visit', by_site || ' OR visit_id IN (SELECT d.visit_id FROM wms.delivery d)'),
        ('vehicle', by_site),
        ('outbound_order', by_site || by_owner),
        ('order_line', by_site || by_owner),
        ('review', by_site),
        ('line_reason', by_site || ' OR order_id IN (SELECT o.order_id FROM wms.outbound_order o)'),
        ('reservation', by_site || ' OR order_id IN (SELECT o.order_id FROM wms.outbound_order o)'),
        ('task', by_site),
        ('scan', by_site),
        ('release', by_site || by_owner),
        ('release_reservation', 'release_id IN (SELECT r.release_id FROM wms.release r)'),
        ('gate_presence', by_site),
        ('gate_decision', by_site)
    LOOP
        EXECUTE format('ALTER TABLE wms.%I ENABLE ROW LEVEL SECURITY', named);
        EXECUTE format('ALTER TABLE wms.%I FORCE ROW LEVEL SECURITY', named);
        EXECUTE format('CREATE POLICY see ON wms.%I FOR SELECT TO tallyhouse_read USING (%s)', named, shown);
        EXECUTE format('CREATE POLICY act ON wms.%I TO tallyhouse_command USING (true) WITH CHECK (true)', named);
    END LOOP;
END
$$;
