-- Who made a device's credential: whoever holds it can make the device say anything, also to parties that accepted it
-- later.

ALTER TABLE devices.device ADD COLUMN key_party_id text;
COMMENT ON COLUMN devices.device.key_party_id IS 'The party that made the credential with which the device signs in at the broker, since it was accepted or given a new one. Null while that is its enroller''s, or it has none.';
GRANT SELECT (key_party_id) ON devices.device TO tallyhouse_read;

-- Until now it was that of the first acceptance, or of whoever gave a new one since.
ALTER TABLE devices.device NO FORCE ROW LEVEL SECURITY;
ALTER TABLE devices.registry_entry NO FORCE ROW LEVEL SECURITY;
UPDATE devices.device d SET key_party_id = (
    SELECT r.party_id FROM devices.registry_entry r
    WHERE r.device_id = d.device_id AND r.enrolment = d.enrolment
        AND (r.act = 'rekeyed' OR r.number = (
            SELECT min(f.number) FROM devices.registry_entry f
            WHERE f.device_id = d.device_id AND f.enrolment = d.enrolment AND f.act = 'accepted'))
    ORDER BY r.number DESC LIMIT 1)
WHERE d.broker_password_hash IS NOT NULL;
ALTER TABLE devices.device FORCE ROW LEVEL SECURITY;
ALTER TABLE devices.registry_entry FORCE ROW LEVEL SECURITY;
