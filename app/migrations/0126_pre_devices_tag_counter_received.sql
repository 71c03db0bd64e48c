-- A station's clock may be behind: what another hears of the same beacon is measured against when we had it.

ALTER TABLE devices.tag_counter RENAME COLUMN heard_at TO received_at;
COMMENT ON TABLE devices.tag_counter IS 'Per ear tag and herd key (by fingerprint): the highest counter in the journal and when its beacon first reached us. Ingest moves it in the transaction that stores the beacon.';
