-- Whoever enrols a device could make it say anything, so its readings are evidence only once another party has
-- accepted it. Devices that were enrolled before this wait for that too; what they said before keeps counting.

ALTER TABLE devices.device
    ADD COLUMN enrolment integer NOT NULL DEFAULT 1 CHECK (enrolment > 0),
    ADD COLUMN enrolled_by text NOT NULL DEFAULT '',
    ADD COLUMN enrolled_party_id text NOT NULL DEFAULT '',
    ADD COLUMN accepted_at timestamptz,
    ADD COLUMN accepted_by text,
    ADD COLUMN accepted_party_id text,
    ADD CHECK (num_nonnulls(accepted_at, accepted_by, accepted_party_id) IN (0, 3)),
    ADD CHECK (accepted_party_id <> enrolled_party_id);
COMMENT ON COLUMN devices.device.enrolment IS 'Counts up with each new place, connection or credential; an acceptance is of one enrolment.';
COMMENT ON COLUMN devices.device.accepted_at IS 'From then on its readings are evidence. Null while no other party has accepted this enrolment.';
-- Of several devices on one mount the first keeps it.
UPDATE devices.device d SET mount_id = NULL
WHERE retired_at IS NULL AND EXISTS (
    SELECT FROM devices.device e
    WHERE (e.site_id, e.mount_id) = (d.site_id, d.mount_id) AND e.retired_at IS NULL
        AND (e.enrolled_at, e.device_id) < (d.enrolled_at, d.device_id));
CREATE UNIQUE INDEX device_mount_once ON devices.device (site_id, mount_id) WHERE retired_at IS NULL;
GRANT SELECT (enrolment, enrolled_by, enrolled_party_id, accepted_at, accepted_by, accepted_party_id)
    ON devices.device TO tallyhouse_read;

CREATE TABLE devices.registry_entry (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id text NOT NULL,
    site_id text NOT NULL,
    at timestamptz NOT NULL,
    act text NOT NULL CHECK (act IN ('enrolled', 'accepted', 'distrusted', 'lapsed', 'retired')),
    enrolment integer NOT NULL,
    person_id text NOT NULL,
    party_id text NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE devices.registry_entry IS 'Who did what to which device. Append only; no secrets.';
CREATE INDEX ON devices.registry_entry (device_id, number);
ALTER TABLE devices.registry_entry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON devices.registry_entry FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects()) OR 'devices:' || site_id IN (SELECT identity.visible_subjects()));
CREATE POLICY act ON devices.registry_entry TO tallyhouse_command USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON devices.registry_entry TO tallyhouse_command;
GRANT SELECT ON devices.registry_entry TO tallyhouse_read;

-- A bank that lends at a site sees which devices there are, and how they are, without seeing the site.
DROP POLICY see ON devices.device;
DROP POLICY see ON devices.device_state;
CREATE POLICY see ON devices.device FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects()) OR 'devices:' || site_id IN (SELECT identity.visible_subjects()));
CREATE POLICY see ON devices.device_state FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects()) OR 'devices:' || site_id IN (SELECT identity.visible_subjects()));

ALTER TABLE devices.observation ADD COLUMN is_accepted boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN devices.observation.is_accepted IS 'The device was accepted when it observed this; otherwise it is kept, and is no evidence that goods are here.';
