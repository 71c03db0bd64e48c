-- Two that speak under one device's identity: nobody vouches for what is said under it until it is accepted anew.

ALTER TABLE devices.device ADD COLUMN cloned_at timestamptz;
COMMENT ON COLUMN devices.device.cloned_at IS 'When it was told last that two speak under its identity; null while that never happened.';

ALTER TABLE devices.acceptance DROP CONSTRAINT acceptance_end_cause_check;
ALTER TABLE devices.acceptance ADD CONSTRAINT acceptance_end_cause_check
    CHECK (end_cause IN ('enrolled', 'distrusted', 'layout', 'rekeyed', 'cloned'));
ALTER TABLE devices.registry_entry DROP CONSTRAINT registry_entry_act_check;
ALTER TABLE devices.registry_entry ADD CONSTRAINT registry_entry_act_check
    CHECK (act IN ('enrolled', 'accepted', 'distrusted', 'lapsed', 'rekeyed', 'cloned', 'calibrated', 'retired'));
