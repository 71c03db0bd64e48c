-- Whether something was ordered for a thing before, such as a label for a pallet.
CREATE INDEX ON devices.command (ref_id, action) WHERE ref_id IS NOT NULL;
