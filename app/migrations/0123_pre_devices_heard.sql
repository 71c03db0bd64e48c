-- When each device was heard: between two of these spans it watched nothing, whatever it says since.

ALTER TABLE devices.device_state ADD COLUMN heard tstzmultirange NOT NULL DEFAULT '{}';
COMMENT ON COLUMN devices.device_state.heard IS 'The spans in which the device was in working order and never silent for a quarter of an hour, each as far beyond its last word as that. Of the time before this column nothing is known: it counts as heard.';

-- The owner of the tables is held to row-level security like everybody else; not while it moves what is there.
ALTER TABLE devices.device_state NO FORCE ROW LEVEL SECURITY;
UPDATE devices.device_state
    SET heard = tstzmultirange(tstzrange(NULL, last_seen_at + interval '15 minutes'));
ALTER TABLE devices.device_state FORCE ROW LEVEL SECURITY;
