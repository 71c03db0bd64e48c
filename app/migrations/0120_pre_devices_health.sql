-- How a device is kept: its readings counted beside its errors, and when it was last calibrated.

ALTER TABLE devices.device_state ADD COLUMN reading_count bigint NOT NULL DEFAULT 0 CHECK (reading_count >= 0);
COMMENT ON COLUMN devices.device_state.reading_count IS 'Readings that were accepted; with error_count it gives the rate of errors.';

CREATE TABLE devices.calibration (
    calibration_id text PRIMARY KEY,
    device_id text NOT NULL REFERENCES devices.device,
    site_id text NOT NULL,
    certificate text NOT NULL CHECK (length(certificate) BETWEEN 1 AND 120),
    performed_by text NOT NULL CHECK (length(performed_by) BETWEEN 1 AND 120),
    performed_on date NOT NULL,
    valid_until date NOT NULL CHECK (valid_until > performed_on),
    notes text NOT NULL DEFAULT '',
    entered_at timestamptz NOT NULL,
    entered_by text NOT NULL
);
COMMENT ON TABLE devices.calibration IS 'Certificates of calibration or verification of devices. Append only; the one that is valid longest counts.';
CREATE INDEX ON devices.calibration (device_id, valid_until);
ALTER TABLE devices.calibration ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON devices.calibration FOR SELECT TO tallyhouse_read USING (
    site_id IN (SELECT identity.visible_subjects()) OR 'devices:' || site_id IN (SELECT identity.visible_subjects()));
CREATE POLICY act ON devices.calibration TO tallyhouse_command USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON devices.calibration TO tallyhouse_command;
GRANT SELECT ON devices.calibration TO tallyhouse_read;

ALTER TABLE devices.registry_entry DROP CONSTRAINT registry_entry_act_check;
ALTER TABLE devices.registry_entry ADD CONSTRAINT registry_entry_act_check
    CHECK (act IN ('enrolled', 'accepted', 'distrusted', 'lapsed', 'rekeyed', 'calibrated', 'retired'));
