-- A bank lends on what it looked at itself: each party's acceptance is kept by itself. A device is evidence for the
-- twin while any acceptance of its enrolment stands; the columns on devices.device hold the first of those.

CREATE TABLE devices.acceptance (
    device_id text NOT NULL REFERENCES devices.device,
    enrolment integer NOT NULL CHECK (enrolment > 0),
    party_id text NOT NULL,
    person_id text NOT NULL,
    site_id text NOT NULL,
    enrolled_party_id text NOT NULL,
    accepted_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_cause text CHECK (end_cause IN ('enrolled', 'distrusted', 'layout')),
    CHECK (party_id <> enrolled_party_id),
    CHECK ((ended_at IS NULL) = (end_cause IS NULL))
);
COMMENT ON TABLE devices.acceptance IS 'Which party vouches, or vouched, for which enrolment of a device. One that ended stays; a party that accepts the same enrolment once more has a further row.';
CREATE UNIQUE INDEX one_standing_acceptance ON devices.acceptance (device_id, party_id) WHERE ended_at IS NULL;
CREATE INDEX ON devices.acceptance (site_id, party_id);

-- The owner of the tables is held to row-level security like everybody else; not while it moves what is there.
ALTER TABLE devices.device NO FORCE ROW LEVEL SECURITY;
INSERT INTO devices.acceptance (device_id, enrolment, party_id, person_id, site_id, enrolled_party_id, accepted_at)
    SELECT device_id, enrolment, accepted_party_id, accepted_by, site_id, enrolled_party_id, accepted_at
    FROM devices.device WHERE accepted_at IS NOT NULL;
ALTER TABLE devices.device FORCE ROW LEVEL SECURITY;

ALTER TABLE devices.acceptance ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON devices.acceptance FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects()) OR 'devices:' || site_id IN (SELECT identity.visible_subjects()));
CREATE POLICY act ON devices.acceptance TO tallyhouse_command USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON devices.acceptance TO tallyhouse_command;
GRANT SELECT ON devices.acceptance TO tallyhouse_read;

COMMENT ON COLUMN devices.device.accepted_at IS 'From then on its readings are evidence: the first acceptance of this enrolment that stands. Null while there is none.';
COMMENT ON COLUMN devices.device.accepted_party_id IS 'Whose acceptance that is; this party knows the credential, where the device has one.';
