-- What a device said that no second party had accepted counts against goods, never for them.

ALTER TABLE twin.sighting ADD COLUMN is_accepted boolean NOT NULL DEFAULT true;
ALTER TABLE twin.weighing ADD COLUMN is_accepted boolean NOT NULL DEFAULT true;
ALTER TABLE twin.barrier_state ADD COLUMN is_accepted boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN twin.sighting.is_accepted IS 'Whether its device was accepted then; if not, it shows movement and alarms, and is no evidence of presence.';
