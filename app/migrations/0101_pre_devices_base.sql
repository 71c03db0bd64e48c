-- Devices: the registry, the journal of observations, quarantine and barrier commands.

CREATE TABLE devices.site (
    site_id text PRIMARY KEY,
    width_mm bigint NOT NULL CHECK (width_mm > 0),
    length_mm bigint NOT NULL CHECK (length_mm > 0),
    height_mm bigint NOT NULL CHECK (height_mm > 0)
);
COMMENT ON TABLE devices.site IS 'How far a site reaches: a position beyond it is not believed. A site without a row is held to the widest bounds.';

CREATE TABLE devices.device (
    device_id text PRIMARY KEY CHECK (device_id ~ '^[A-Za-z0-9._-]{1,64}$'),
    site_id text NOT NULL,
    family text NOT NULL,
    mount_id text,
    subject_ref text,
    connection jsonb NOT NULL,
    token_sha256 text UNIQUE,
    broker_password_hash text,
    boots_reserved bigint NOT NULL DEFAULT 0 CHECK (boots_reserved >= 0),
    enrolled_at timestamptz NOT NULL,
    retired_at timestamptz
);
COMMENT ON TABLE devices.device IS 'Every device that may speak. A device belongs to one site for ever; its credentials are kept as digests only.';
COMMENT ON COLUMN devices.device.boots_reserved IS 'For a driver that numbers readings itself: the highest boot handed out.';
CREATE INDEX ON devices.device (site_id, device_id);

CREATE TABLE devices.device_state (
    device_id text PRIMARY KEY REFERENCES devices.device,
    site_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('online', 'offline', 'gap', 'fault')),
    state_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    clock_skew_ms bigint NOT NULL,
    skew_since timestamptz NOT NULL,
    error_count bigint NOT NULL DEFAULT 0 CHECK (error_count >= 0)
);
COMMENT ON TABLE devices.device_state IS 'How each device last said it is, when it was last heard and how far its clock is ahead.';

CREATE TABLE devices.enrolment_code (
    code_sha256 text PRIMARY KEY,
    site_id text NOT NULL,
    device_id text NOT NULL,
    issued_by text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
COMMENT ON TABLE devices.enrolment_code IS 'One-time codes, shown as a QR code, with which a handheld becomes a device of a site.';

CREATE TABLE devices.journal (
    site_id text PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
);
COMMENT ON TABLE devices.journal IS 'The last position of each site''s journal. Locked by whoever appends, so that positions have no gaps and grow in commit order.';

DO $$
DECLARE
    hypertable boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb');
BEGIN
    EXECUTE format(
        $table$
        CREATE TABLE devices.observation (
            site_id text NOT NULL,
            position bigint NOT NULL CHECK (position > 0),
            device_id text NOT NULL,
            boot bigint NOT NULL CHECK (boot >= 0),
            sequence bigint NOT NULL CHECK (sequence > 0),
            observed_at timestamptz NOT NULL,
            received_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL,
            kind text NOT NULL,
            quality text NOT NULL CHECK (quality IN ('good', 'suspect')),
            reading jsonb NOT NULL,
            raw_sha256 text NOT NULL,
            PRIMARY KEY (device_id, boot, sequence, observed_at),
            UNIQUE (site_id, position, observed_at)
        ) %s
        $table$,
        CASE WHEN hypertable THEN '' ELSE 'PARTITION BY RANGE (observed_at)' END
    );
    IF hypertable THEN
        PERFORM create_hypertable('devices.observation', 'observed_at', chunk_time_interval => interval '1 day');
    ELSE
        CREATE TABLE devices.observation_default PARTITION OF devices.observation DEFAULT;
    END IF;
END
$$;
COMMENT ON TABLE devices.observation IS 'The journal of observations: append only, each reading once. By day: native partitions, or a hypertable where TimescaleDB is there.';

CREATE FUNCTION devices.make_partitions(first_day date, days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = devices, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    day date;
    name text;
    made integer := 0;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'devices.observation'::regclass) <> 'p' THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(7245101);
    FOR day IN SELECT first_day + number FROM generate_series(0, least(days, 366) - 1) AS number LOOP
        name := 'observation_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('devices.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE devices.%I (LIKE devices.observation INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
        EXECUTE format(
            'WITH moved AS (DELETE FROM devices.observation_default WHERE observed_at >= %L AND observed_at < %L RETURNING *)'
            ' INSERT INTO devices.%I SELECT * FROM moved', day, day + 1, name
        );
        EXECUTE format('ALTER TABLE devices.observation ATTACH PARTITION devices.%I FOR VALUES FROM (%L) TO (%L)', name, day, day + 1);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION devices.make_partitions IS 'Makes the daily partitions of `days` days from `first_day` (UTC) that are not there yet, moving what the default one caught; returns how many. Does nothing on a hypertable.';
REVOKE EXECUTE ON FUNCTION devices.make_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION devices.make_partitions TO tallyhouse_command;

CREATE TABLE devices.watermark (
    device_id text NOT NULL,
    boot bigint NOT NULL,
    settled int8multirange NOT NULL,
    acked_through bigint NOT NULL CHECK (acked_through >= 0),
    max_sequence bigint NOT NULL CHECK (max_sequence >= acked_through),
    PRIMARY KEY (device_id, boot)
);
COMMENT ON TABLE devices.watermark IS 'Per device and boot: the sequence numbers that are settled (in the journal or in quarantine), and through which one without a gap from 1.';

CREATE TABLE devices.quarantine (
    quarantine_id text PRIMARY KEY,
    site_id text NOT NULL,
    device_id text NOT NULL,
    boot bigint,
    sequence bigint,
    field text NOT NULL,
    rule text NOT NULL,
    raw bytea NOT NULL,
    raw_sha256 text NOT NULL,
    received_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL,
    times bigint NOT NULL CHECK (times > 0)
);
COMMENT ON TABLE devices.quarantine IS 'What could not be accepted, with device, field and rule. The same bytes again only count up `times`.';
CREATE UNIQUE INDEX quarantine_once ON devices.quarantine
    (site_id, device_id, coalesce(boot, -1), coalesce(sequence, -1), field, rule, raw_sha256);
CREATE INDEX ON devices.quarantine (site_id, quarantine_id);
CREATE INDEX ON devices.quarantine (device_id, boot);

CREATE TABLE devices.command (
    command_id text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    site_id text NOT NULL,
    device_id text NOT NULL REFERENCES devices.device,
    action text NOT NULL CHECK (action IN ('open', 'close')),
    cause text NOT NULL,
    ref_id text,
    state text NOT NULL CHECK (state IN ('queued', 'sent', 'confirmed', 'failed')),
    queued_at timestamptz NOT NULL,
    valid_until timestamptz NOT NULL CHECK (valid_until > queued_at),
    sent_at timestamptz,
    settled_at timestamptz,
    failure text,
    CHECK ((state IN ('confirmed', 'failed')) = (settled_at IS NOT NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL))
);
COMMENT ON TABLE devices.command IS 'Orders to barriers: queued by the product, carried out at the edge, settled by the barrier''s own feedback. An order past valid_until is never carried out.';
CREATE INDEX ON devices.command (number) WHERE state IN ('queued', 'sent');

-- Rows of one site are seen by the parties of that site only.
ALTER TABLE devices.device ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE devices.device_state ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE devices.quarantine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE devices.command ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON devices.device FOR SELECT TO tallyhouse_read USING (site_id IN (SELECT identity.visible_subjects()));
CREATE POLICY see ON devices.device_state FOR SELECT TO tallyhouse_read USING (site_id IN (SELECT identity.visible_subjects()));
CREATE POLICY see ON devices.quarantine FOR SELECT TO tallyhouse_read USING (site_id IN (SELECT identity.visible_subjects()));
CREATE POLICY see ON devices.command FOR SELECT TO tallyhouse_read USING (site_id IN (SELECT identity.visible_subjects()));
CREATE POLICY act ON devices.device TO tallyhouse_command USING (true) WITH CHECK (true);
CREATE POLICY act ON devices.device_state TO tallyhouse_command USING (true) WITH CHECK (true);
CREATE POLICY act ON devices.quarantine TO tallyhouse_command USING (true) WITH CHECK (true);
CREATE POLICY act ON devices.command TO tallyhouse_command USING (true) WITH CHECK (true);

-- Observations carry no policies (compression and bulk loads forbid them): readers go through this view.
CREATE VIEW devices.seen_observation WITH (security_barrier) AS
SELECT site_id, position, device_id, boot, sequence, observed_at, received_at, recorded_at, kind, quality, reading
FROM devices.observation
WHERE site_id IN (SELECT identity.visible_subjects());
COMMENT ON VIEW devices.seen_observation IS 'The observations of the sites that the current party may see.';

GRANT SELECT, INSERT ON devices.observation TO tallyhouse_command;
GRANT SELECT, INSERT, UPDATE ON
    devices.site, devices.device, devices.device_state, devices.enrolment_code, devices.journal,
    devices.watermark, devices.quarantine, devices.command TO tallyhouse_command;
GRANT SELECT (device_id, site_id, family, mount_id, subject_ref, connection, enrolled_at, retired_at)
    ON devices.device TO tallyhouse_read;
GRANT SELECT ON devices.device_state, devices.quarantine, devices.command, devices.seen_observation TO tallyhouse_read;
