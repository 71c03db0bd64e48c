-- Devices that were turned away: a stranger belongs to no site, and each is listed once and counted up.

ALTER TABLE devices.quarantine ALTER COLUMN site_id DROP NOT NULL;
ALTER TABLE devices.quarantine ADD COLUMN is_stranger boolean NOT NULL DEFAULT false;
ALTER TABLE devices.quarantine ADD CONSTRAINT quarantine_site CHECK (site_id IS NOT NULL OR is_stranger);
COMMENT ON TABLE devices.quarantine IS 'What could not be accepted, with device, field and rule. The same bytes again only count up `times`; so does a device that is turned away again (empty raw_sha256), whatever it says.';
COMMENT ON COLUMN devices.quarantine.site_id IS 'Where it is listed. None for a stranger that named no site of ours: the keepers of every site see it.';
COMMENT ON COLUMN devices.quarantine.is_stranger IS 'No device of that name was enrolled then. device_id is the name it gave, else the address it came from.';

DROP INDEX devices.quarantine_once;
CREATE UNIQUE INDEX quarantine_once ON devices.quarantine
    (coalesce(site_id, ''), device_id, coalesce(boot, -1), coalesce(sequence, -1), field, rule, raw_sha256);
CREATE INDEX ON devices.quarantine (coalesce(site_id, ''), received_at) WHERE is_stranger;

CREATE POLICY see_strangers ON devices.quarantine FOR SELECT TO tallyhouse_read USING (
    site_id IS NULL
    AND EXISTS (SELECT FROM identity.party p WHERE p.party_id = identity.current_party() AND p.kind = 'keeper')
    AND EXISTS (SELECT FROM devices.device d WHERE d.site_id IN (SELECT identity.visible_subjects()))
);
