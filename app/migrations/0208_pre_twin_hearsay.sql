-- Readers that a second party accepted and readers that none did are two witnesses: what the second say of a tag
-- stands beside what the first say, and takes the place of none of it.

ALTER TABLE twin.stay ADD COLUMN is_accepted boolean NOT NULL DEFAULT true;
ALTER TABLE twin.stay DROP CONSTRAINT stay_pkey;
ALTER TABLE twin.stay ADD PRIMARY KEY (site_id, gate_id, epc_hex, first_at, is_accepted);
COMMENT ON COLUMN twin.stay.is_accepted IS 'Whether the reader that heard it was accepted then.';

ALTER TABLE twin.crossing ADD COLUMN is_accepted boolean NOT NULL DEFAULT true;
ALTER TABLE twin.crossing DROP CONSTRAINT crossing_pkey;
ALTER TABLE twin.crossing ADD PRIMARY KEY (site_id, epc_hex, crossed_at, direction, is_accepted);
COMMENT ON COLUMN twin.crossing.is_accepted IS 'Whether the reader that heard it was accepted then.';

-- Both weighed in one belief until now: a tag that readers of both kinds heard is folded from its first sighting on
-- with the next that comes of it.
UPDATE twin.track t SET base = NULL, base_at = NULL, beyond = 0, through_at = '9999-01-01T00:00:00Z'
WHERE EXISTS (
    SELECT FROM twin.sighting s
    WHERE (s.site_id, s.epc_hex) = (t.site_id, t.epc_hex) AND s.gate_id IS NOT NULL AND NOT s.is_accepted);
