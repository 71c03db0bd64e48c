-- The last counter of each ear tag: a beacon that is heard again later is a copy, whichever edge brings it.

CREATE TABLE devices.tag_counter (
    id_scheme text NOT NULL,
    animal_id text NOT NULL,
    key_id text NOT NULL,
    counter bigint NOT NULL CHECK (counter >= 0),
    heard_at timestamptz NOT NULL,
    PRIMARY KEY (animal_id, id_scheme, key_id)
);
COMMENT ON TABLE devices.tag_counter IS 'Per ear tag and herd key (by fingerprint): the highest counter in the journal and when its beacon was heard. Ingest moves it in the transaction that stores the beacon.';
GRANT SELECT, INSERT, UPDATE ON devices.tag_counter TO tallyhouse_command;
