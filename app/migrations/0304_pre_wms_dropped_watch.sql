-- What a new layout took from the gates of a site: whatever it had not seen until then, nobody can ask it any more.
CREATE TABLE wms.dropped_watch (
    site_id text NOT NULL,
    gate_id text NOT NULL,
    mount_id text NOT NULL,
    dropped_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, gate_id, mount_id)
);
COMMENT ON TABLE wms.dropped_watch IS 'Gates, and mounts of what watched them, that a layout dropped last at a moment; a gate stands as its own mount.';
GRANT SELECT, INSERT, UPDATE ON wms.dropped_watch TO tallyhouse_command;
