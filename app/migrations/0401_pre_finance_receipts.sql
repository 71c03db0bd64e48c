-- Warehouse receipts and the journal of what encumbers stock.

CREATE FUNCTION finance.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is a journal: its rows are never changed or removed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
COMMENT ON FUNCTION finance.refuse_change() IS 'Trigger of journals: corrections are new rows.';

CREATE TABLE finance.receipt_counter (
    keeper_party_id text PRIMARY KEY REFERENCES identity.party,
    last_number bigint NOT NULL CHECK (last_number >= 0)
);
COMMENT ON TABLE finance.receipt_counter IS 'The last receipt number of each keeper. Locked and moved in the issuing transaction, so numbers have no gaps.';

CREATE TABLE finance.receipt (
    receipt_id text PRIMARY KEY,
    keeper_party_id text NOT NULL REFERENCES identity.party,
    number bigint NOT NULL CHECK (number > 0),
    depositor_party_id text NOT NULL REFERENCES identity.party,
    controller_party_id text NOT NULL REFERENCES identity.party,
    site_id text NOT NULL,
    lot_id text NOT NULL,
    sku text NOT NULL,
    goods text NOT NULL CHECK (goods <> ''),
    quality text NOT NULL,
    package text NOT NULL,
    marks text NOT NULL,
    unit_count integer NOT NULL CHECK (unit_count > 0),
    quantity_each bigint NOT NULL CHECK (quantity_each > 0),
    mass_g bigint NOT NULL CHECK (mass_g > 0),
    place text NOT NULL CHECK (place <> ''),
    storage_until date NOT NULL,
    loss_standard text NOT NULL CHECK (loss_standard <> ''),
    insurance text NOT NULL CHECK (insurance <> ''),
    fee_terms text NOT NULL CHECK (fee_terms <> ''),
    lien_fen bigint NOT NULL CHECK (lien_fen >= 0),
    evidence jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('issued', 'pledged', 'cancelled')),
    issued_at timestamptz NOT NULL,
    issued_by text NOT NULL,
    closed_at timestamptz,
    UNIQUE (keeper_party_id, number),
    CHECK (keeper_party_id <> depositor_party_id),
    CHECK ((state = 'cancelled') = (closed_at IS NOT NULL))
);
COMMENT ON TABLE finance.receipt IS 'Warehouse receipts with their elements (Civil Code art. 909, GB/T 30332). One controller at any instant; elements never change, an error is cancelled and replaced.';
CREATE INDEX ON finance.receipt (lot_id);
CREATE INDEX ON finance.receipt (site_id, receipt_id);

CREATE TABLE finance.receipt_unit (
    receipt_id text NOT NULL REFERENCES finance.receipt,
    unit_id text NOT NULL,
    quantity_each bigint NOT NULL CHECK (quantity_each > 0),
    mass_g bigint NOT NULL CHECK (mass_g > 0),
    live boolean NOT NULL,
    delivered_at timestamptz,
    PRIMARY KEY (receipt_id, unit_id),
    CHECK (delivered_at IS NULL OR NOT live)
);
COMMENT ON TABLE finance.receipt_unit IS 'Which units a receipt covers. A unit stays live until it is delivered or its receipt is cancelled.';
CREATE UNIQUE INDEX one_live_receipt_per_unit ON finance.receipt_unit (unit_id) WHERE live;

CREATE TABLE finance.encumbrance (
    encumbrance_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receipt_id text NOT NULL REFERENCES finance.receipt,
    step integer NOT NULL CHECK (step > 0),
    kind text NOT NULL CHECK (kind IN ('issued', 'pledged', 'released', 'unit_delivered', 'cancelled')),
    at timestamptz NOT NULL,
    by_person text NOT NULL,
    by_party text NOT NULL,
    unit_ids text[] NOT NULL,
    facts jsonb NOT NULL,
    UNIQUE (receipt_id, step)
);
COMMENT ON TABLE finance.encumbrance IS 'The journal of encumbrances: every step in the life of every receipt, append only. Receipts, their units and pledges re-added from zero must equal it.';
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON finance.encumbrance
    FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change();

CREATE TABLE finance.lot_evidence (
    lot_id text PRIMARY KEY,
    site_id text NOT NULL,
    book_units integer NOT NULL CHECK (book_units >= 0),
    units_low integer NOT NULL,
    units_mid integer NOT NULL,
    units_high integer NOT NULL,
    mass_low_g bigint,
    mass_mid_g bigint,
    mass_high_g bigint,
    modalities jsonb NOT NULL,
    units jsonb NOT NULL,
    as_of timestamptz,
    changed_at timestamptz NOT NULL,
    CHECK (0 <= units_low AND units_low <= units_mid AND units_mid <= units_high)
);
COMMENT ON TABLE finance.lot_evidence IS 'What the twin last said of each lot under a receipt, so that a bank''s screens need not reach into the yard. as_of is its newest sighting; units are those seen here or in the book. Commands that move money ask the twin again.';

ALTER TABLE finance.receipt ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.receipt FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON finance.receipt FOR SELECT TO tallyhouse_read
    USING (receipt_id IN (SELECT identity.visible_subjects()));
CREATE POLICY act ON finance.receipt TO tallyhouse_command USING (true) WITH CHECK (true);

ALTER TABLE finance.receipt_unit ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.receipt_unit FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON finance.receipt_unit FOR SELECT TO tallyhouse_read
    USING (receipt_id IN (SELECT identity.visible_subjects()));
CREATE POLICY act ON finance.receipt_unit TO tallyhouse_command USING (true) WITH CHECK (true);

ALTER TABLE finance.encumbrance ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.encumbrance FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON finance.encumbrance FOR SELECT TO tallyhouse_read
    USING (receipt_id IN (SELECT identity.visible_subjects()));
CREATE POLICY act ON finance.encumbrance TO tallyhouse_command USING (true) WITH CHECK (true);

ALTER TABLE finance.lot_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.lot_evidence FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON finance.lot_evidence FOR SELECT TO tallyhouse_read
    USING (lot_id IN (SELECT r.lot_id FROM finance.receipt r));
CREATE POLICY act ON finance.lot_evidence TO tallyhouse_command USING (true) WITH CHECK (true);

ALTER TABLE finance.receipt_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.receipt_counter FORCE ROW LEVEL SECURITY;
CREATE POLICY act ON finance.receipt_counter TO tallyhouse_command USING (true) WITH CHECK (true);

GRANT SELECT ON finance.receipt, finance.receipt_unit, finance.encumbrance, finance.lot_evidence TO tallyhouse_read;
GRANT SELECT, INSERT, UPDATE ON finance.receipt_counter, finance.receipt, finance.receipt_unit, finance.lot_evidence
    TO tallyhouse_command;
GRANT SELECT, INSERT ON finance.encumbrance TO tallyhouse_command;
