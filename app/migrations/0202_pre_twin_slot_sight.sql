-- What cameras make of slots: the latest sight of each, taken and empty.

CREATE TABLE twin.slot_sight (
    site_id text NOT NULL,
    slot_id text NOT NULL,
    occupied_at timestamptz,
    occupied_id text,
    empty_at timestamptz,
    PRIMARY KEY (site_id, slot_id),
    CHECK ((occupied_at IS NULL) = (occupied_id IS NULL))
);
COMMENT ON TABLE twin.slot_sight IS 'When a camera last saw each slot taken, by which observation, and when last empty.';

ALTER TABLE twin.slot_sight ENABLE ROW LEVEL SECURITY;
ALTER TABLE twin.slot_sight FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON twin.slot_sight FOR SELECT TO tallyhouse_read
    USING (site_id IN (SELECT s.site_id FROM twin.site s));
CREATE POLICY act ON twin.slot_sight TO tallyhouse_command USING (true) WITH CHECK (true);
GRANT SELECT ON twin.slot_sight TO tallyhouse_read;
GRANT SELECT, INSERT, UPDATE ON twin.slot_sight TO tallyhouse_command;

-- Which tags stand in a slot, and when something was put into it.
CREATE INDEX ON twin.track (site_id, (state ->> 'slot_id'));
CREATE INDEX ON twin.sighting (site_id, slot_id, observed_at) WHERE slot_id IS NOT NULL;
