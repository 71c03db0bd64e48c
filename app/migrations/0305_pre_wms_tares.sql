-- What a vehicle weighs empty where the scale never saw it so: the keeper states it, and banks agree. The gate takes
-- it only from both.

CREATE TABLE wms.tare (
    tare_id text PRIMARY KEY,
    site_id text NOT NULL,
    vehicle_id text NOT NULL REFERENCES wms.vehicle,
    plate text NOT NULL,
    mass_g bigint NOT NULL CHECK (mass_g > 0),
    document text NOT NULL CHECK (document <> ''),
    proposed_party_id text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_cause text CHECK (end_cause IN ('replaced', 'withdrawn')),
    end_reason text,
    ended_party_id text,
    ended_by text,
    CHECK (num_nonnulls(ended_at, end_cause, end_reason, ended_party_id, ended_by) IN (0, 5))
);
COMMENT ON TABLE wms.tare IS 'What a keeper stated that a vehicle weighs empty, and the document that it rests on. One that ended stays; another mass is a further row.';
CREATE INDEX ON wms.tare (site_id, tare_id);
CREATE INDEX tare_standing ON wms.tare (vehicle_id) WHERE ended_at IS NULL;

CREATE TABLE wms.tare_answer (
    tare_id text NOT NULL REFERENCES wms.tare,
    party_id text NOT NULL,
    site_id text NOT NULL,
    proposed_party_id text NOT NULL,
    is_approved boolean NOT NULL,
    reason text NOT NULL,
    answered_by text NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (tare_id, party_id),
    CHECK (party_id <> proposed_party_id)
);
COMMENT ON TABLE wms.tare_answer IS 'What each bank answered to a stated tare, once. Append only. It counts while every bank with goods on hold at the site has approved it, and one bank at least.';

GRANT SELECT ON wms.tare, wms.tare_answer TO tallyhouse_read;
GRANT SELECT, INSERT ON wms.tare, wms.tare_answer TO tallyhouse_command;
GRANT UPDATE (ended_at, end_cause, end_reason, ended_party_id, ended_by) ON wms.tare TO tallyhouse_command;
ALTER TABLE wms.tare ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE wms.tare_answer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY act ON wms.tare TO tallyhouse_command USING (true) WITH CHECK (true);
CREATE POLICY act ON wms.tare_answer TO tallyhouse_command USING (true) WITH CHECK (true);
CREATE POLICY see ON wms.tare FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects()) OR 'devices:' || site_id IN (SELECT identity.visible_subjects()));
-- Its keeper sees what each bank answered; a bank sees its own.
CREATE POLICY see ON wms.tare_answer FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects()) OR party_id = identity.current_party());

-- A bank that is to agree sees what the vehicle weighed here, and of no other vehicle.
CREATE POLICY judge ON wms.visit FOR SELECT TO tallyhouse_read USING (
    'devices:' || site_id IN (SELECT identity.visible_subjects()) AND vehicle_id IN (SELECT t.vehicle_id FROM wms.tare t));
