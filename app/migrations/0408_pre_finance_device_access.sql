-- A bank that lends at a site may see and accept the devices there: also one whose facility is older than this.

INSERT INTO identity.access (party_id, subject_id, valid_from, cause)
SELECT bank_party_id, 'devices:' || site_id, min(opened_at), 'facility' FROM finance.facility
GROUP BY bank_party_id, site_id
ON CONFLICT DO NOTHING;
