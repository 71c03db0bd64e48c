-- Orders to any device: their parameters, and who gave them. What they are called follows.

ALTER TABLE devices.command
    DROP CONSTRAINT command_action_check,
    ADD CONSTRAINT command_action_check CHECK (action ~ '^[a-z][a-z_]{0,39}$'),
    ADD COLUMN parameters jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN ordered_by text NOT NULL DEFAULT '',
    ADD COLUMN ordered_party_id text NOT NULL DEFAULT '';
COMMENT ON TABLE devices.command IS 'Orders to devices: queued by the product or a person, carried out at the edge, settled by the device''s own feedback. An order past valid_until is never carried out.';
COMMENT ON COLUMN devices.command.ordered_by IS 'The person who gave it, or the part of the product; empty for orders before this was kept.';
CREATE INDEX ON devices.command (site_id, number);

UPDATE app.event SET kind = CASE kind
    WHEN 'BarrierCommanded' THEN 'DeviceOrdered'
    WHEN 'BarrierConfirmed' THEN 'DeviceOrderConfirmed'
    ELSE 'DeviceOrderFailed'
END
WHERE kind IN ('BarrierCommanded', 'BarrierConfirmed', 'BarrierFailed');
