-- A device that is turned away for several things it wanted has a row for each, up to a bound.

COMMENT ON TABLE devices.quarantine IS 'What could not be accepted, with device, field and rule. The same bytes again only count up `times`; so does a device that is turned away again: whatever it says (empty raw_sha256), or for the same thing it wanted, such as a topic (its digest).';

-- The list shows what came last first, and a row that counts up comes to its front.
DROP INDEX devices.quarantine_site_id_quarantine_id_idx;
CREATE INDEX ON devices.quarantine (site_id, last_received_at, quarantine_id);
