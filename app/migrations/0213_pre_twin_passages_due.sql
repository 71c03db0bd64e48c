-- Passages over a gate's loop are judged by what came in, and not by how long ago they were.
ALTER TABLE twin.barrier_state ADD COLUMN told_at timestamptz;
COMMENT ON COLUMN twin.barrier_state.told_at IS 'When the twin took the report in; before this column, not known.';
DROP INDEX twin.barrier_state_observed_at;

CREATE TABLE twin.passages_due (
    site_id text NOT NULL,
    gate_id text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (site_id, gate_id)
);
COMMENT ON TABLE twin.passages_due IS 'Gates at which something came in whose passages, from a moment on, are to be judged.';
GRANT SELECT, INSERT, UPDATE, DELETE ON twin.passages_due TO tallyhouse_command;
