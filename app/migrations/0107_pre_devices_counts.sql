-- Devices that count what they tell, without numbering it for us: where each one's count stands.

CREATE TABLE devices.event_count (
    device_id text PRIMARY KEY REFERENCES devices.device,
    number bigint NOT NULL CHECK (number > 0),
    observed_at timestamptz NOT NULL
);
COMMENT ON TABLE devices.event_count IS 'The last event number of each device that keeps a running count, and its time by the device''s clock: the next one shows whether events are missing in between.';
GRANT SELECT, INSERT, UPDATE ON devices.event_count TO tallyhouse_command;
