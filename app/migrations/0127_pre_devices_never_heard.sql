-- A driver's word that a device does not answer is no word of the device: it may never have been heard.

ALTER TABLE devices.device_state ALTER COLUMN last_seen_at DROP NOT NULL, ALTER COLUMN clock_skew_ms DROP NOT NULL,
    ALTER COLUMN skew_since DROP NOT NULL;
COMMENT ON COLUMN devices.device_state.last_seen_at IS 'When the device was last heard; none while only its driver spoke, of its silence.';
COMMENT ON COLUMN devices.device_state.clock_skew_ms IS 'By how much its clock is ahead; none until it gave a time.';

ALTER TABLE devices.device_state NO FORCE ROW LEVEL SECURITY;
UPDATE devices.device_state SET last_seen_at = NULL, clock_skew_ms = NULL, skew_since = NULL
    WHERE state = 'offline' AND heard = '{}' AND error_count = 0;
ALTER TABLE devices.device_state FORCE ROW LEVEL SECURITY;
