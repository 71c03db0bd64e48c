-- Facilities, what freezes and thaws them, prices, pledges, drawdowns and loans.

CREATE TABLE finance.facility (
    facility_id text PRIMARY KEY,
    bank_party_id text NOT NULL REFERENCES identity.party,
    borrower_party_id text NOT NULL REFERENCES identity.party,
    site_id text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    limit_fen bigint NOT NULL CHECK (limit_fen > 0 AND limit_fen <= 9007199254740991),
    drawn_fen bigint NOT NULL CHECK (drawn_fen >= 0),
    interest_fen bigint NOT NULL CHECK (interest_fen >= 0),
    lendable_fen bigint NOT NULL CHECK (lendable_fen >= 0),
    margin_state text NOT NULL CHECK (margin_state IN ('ok', 'warning', 'call', 'sell')),
    rate text NOT NULL,
    rule jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'frozen', 'closed')),
    opened_at timestamptz NOT NULL,
    opened_by text NOT NULL,
    CONSTRAINT drawn_within_limit CHECK (drawn_fen <= limit_fen),
    CHECK (bank_party_id <> borrower_party_id)
);
COMMENT ON TABLE finance.facility IS 'A bank''s line for a borrower. drawn_fen and interest_fen are the sums over its loans; lendable_fen and margin_state are as last revalued.';

CREATE TABLE finance.facility_event (
    facility_event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    facility_id text NOT NULL REFERENCES finance.facility,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    by_person text NOT NULL,
    facts jsonb NOT NULL
);
COMMENT ON TABLE finance.facility_event IS 'The history of each facility, append only.';
CREATE INDEX ON finance.facility_event (facility_id, facility_event_id);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON finance.facility_event
    FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change();

CREATE TABLE finance.freeze (
    freeze_id text PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    facility_id text NOT NULL REFERENCES finance.facility,
    alarm_id text,
    occurrence integer NOT NULL CHECK (occurrence > 0),
    reason_key text NOT NULL,
    facts jsonb NOT NULL,
    unit_ids text[] NOT NULL,
    evidence jsonb NOT NULL,
    frozen_at timestamptz NOT NULL,
    frozen_by text NOT NULL,
    UNIQUE (facility_id, alarm_id, occurrence)
);
COMMENT ON TABLE finance.freeze IS 'Why a facility was frozen, with the alarm''s facts and evidence copied at that moment. Never changed. An alarm that comes to concern more pledged units is a further occurrence.';
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON finance.freeze
    FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change();

CREATE TABLE finance.thaw (
    thaw_id text PRIMARY KEY,
    facility_id text NOT NULL REFERENCES finance.facility,
    freezes_through bigint NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    evidence_ids text[] NOT NULL CHECK (cardinality(evidence_ids) > 0),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz,
    superseded_at timestamptz,
    CONSTRAINT thaw_by_two_people CHECK (approved_by <> proposed_by),
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CHECK (approved_at IS NULL OR superseded_at IS NULL)
);
COMMENT ON TABLE finance.thaw IS 'Proposals to thaw a frozen facility. The one who approves is never the one who proposed. freezes_through is the position of the last freeze it answers.';
CREATE UNIQUE INDEX one_open_thaw_per_facility ON finance.thaw (facility_id)
    WHERE approved_at IS NULL AND superseded_at IS NULL;

CREATE TABLE finance.price (
    price_id text PRIMARY KEY,
    bank_party_id text NOT NULL REFERENCES identity.party,
    sku text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    price_fen_each bigint NOT NULL CHECK (price_fen_each > 0),
    source text NOT NULL CHECK (source <> ''),
    quoted_at timestamptz NOT NULL,
    set_at timestamptz NOT NULL,
    set_by text NOT NULL,
    needs_approval boolean NOT NULL,
    UNIQUE (price_id, set_by)
);
COMMENT ON TABLE finance.price IS 'What a bank says one piece of a SKU is worth, with source and time. History is kept; the latest quote in force counts. One that would raise the value of stock needs approval.';
CREATE INDEX ON finance.price (bank_party_id, sku, currency, quoted_at DESC);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON finance.price
    FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change();

CREATE TABLE finance.price_approval (
    price_id text PRIMARY KEY,
    proposed_by text NOT NULL,
    approved_by text NOT NULL,
    approved_at timestamptz NOT NULL,
    FOREIGN KEY (price_id, proposed_by) REFERENCES finance.price (price_id, set_by),
    CONSTRAINT price_by_two_people CHECK (approved_by <> proposed_by)
);
COMMENT ON TABLE finance.price_approval IS 'Who put a proposed price in force. Never the one who proposed it, whatever roles that person has; never changed.';
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON finance.price_approval
    FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change();

CREATE VIEW finance.price_in_force WITH (security_invoker = true) AS
    SELECT p.* FROM finance.price p
    WHERE NOT p.needs_approval
        OR EXISTS (SELECT FROM finance.price_approval a WHERE a.price_id = p.price_id);
COMMENT ON VIEW finance.price_in_force IS 'The prices that value stock, as far as the reader may see prices.';

CREATE TABLE finance.pledge (
    pledge_id text PRIMARY KEY,
    receipt_id text NOT NULL REFERENCES finance.receipt,
    facility_id text NOT NULL REFERENCES finance.facility,
    bank_party_id text NOT NULL REFERENCES identity.party,
    site_id text NOT NULL,
    lot_id text NOT NULL,
    sku text NOT NULL,
    hold_id text NOT NULL UNIQUE,
    pledged_at timestamptz NOT NULL,
    pledged_by text NOT NULL,
    released_at timestamptz,
    released_by text,
    CHECK ((released_at IS NULL) = (released_by IS NULL))
);
COMMENT ON TABLE finance.pledge IS 'Receipts pledged to a facility, each with the hold that keeps its units in the warehouse.';
CREATE UNIQUE INDEX one_live_pledge_per_receipt ON finance.pledge (receipt_id) WHERE released_at IS NULL;
CREATE INDEX ON finance.pledge (facility_id) WHERE released_at IS NULL;
CREATE INDEX ON finance.pledge (lot_id) WHERE released_at IS NULL;

CREATE TABLE finance.drawdown (
    drawdown_id text PRIMARY KEY,
    facility_id text NOT NULL REFERENCES finance.facility,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0 AND amount_fen <= 9007199254740991),
    maturity_on date NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'approved', 'refused')),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    reason text,
    CONSTRAINT drawdown_by_two_people CHECK (state <> 'approved' OR decided_by <> proposed_by),
    CHECK ((state = 'proposed') = (decided_by IS NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL))
);
COMMENT ON TABLE finance.drawdown IS 'Requests for money. The one who approves is never the one who proposed.';
CREATE INDEX ON finance.drawdown (facility_id, drawdown_id);

CREATE TABLE finance.loan (
    loan_id text PRIMARY KEY,
    facility_id text NOT NULL REFERENCES finance.facility,
    bank_party_id text NOT NULL REFERENCES identity.party,
    drawdown_id text NOT NULL UNIQUE REFERENCES finance.drawdown,
    principal_fen bigint NOT NULL CHECK (principal_fen > 0),
    outstanding_fen bigint NOT NULL CHECK (outstanding_fen >= 0),
    interest_fen bigint NOT NULL CHECK (interest_fen >= 0),
    product_fen_days numeric(30, 0) NOT NULL CHECK (product_fen_days >= 0),
    accrued_fen bigint NOT NULL CHECK (accrued_fen >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    rate text NOT NULL,
    drawn_on date NOT NULL,
    accrued_through date NOT NULL,
    maturity_on date NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'repaid')),
    drawn_at timestamptz NOT NULL,
    repaid_at timestamptz,
    CHECK (outstanding_fen <= principal_fen),
    CHECK (interest_fen <= accrued_fen),
    CHECK (maturity_on > drawn_on AND accrued_through >= drawn_on),
    CHECK ((state = 'repaid') = (outstanding_fen = 0 AND interest_fen = 0)),
    CHECK ((state = 'repaid') = (repaid_at IS NOT NULL))
);
COMMENT ON TABLE finance.loan IS 'Bullet loans. product_fen_days is the sum of outstanding principal times days (积数); accrued_fen is the interest it has earned so far, interest_fen the part not yet paid.';
CREATE INDEX ON finance.loan (facility_id, loan_id);
CREATE INDEX ON finance.loan (bank_party_id) WHERE state = 'active';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['facility', 'facility_event', 'freeze', 'thaw', 'pledge', 'drawdown', 'loan', 'price', 'price_approval']
    LOOP
        EXECUTE format('ALTER TABLE finance.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE finance.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY act ON finance.%I TO tallyhouse_command USING (true) WITH CHECK (true)', name);
        EXECUTE format('GRANT SELECT ON finance.%I TO tallyhouse_read', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['facility', 'facility_event', 'freeze', 'thaw', 'drawdown', 'loan']
    LOOP
        EXECUTE format(
            'CREATE POLICY see ON finance.%I FOR SELECT TO tallyhouse_read'
            ' USING (facility_id IN (SELECT identity.visible_subjects()))', name);
    END LOOP;
END
$$;
CREATE POLICY see ON finance.pledge FOR SELECT TO tallyhouse_read USING (
    facility_id IN (SELECT identity.visible_subjects()) OR receipt_id IN (SELECT identity.visible_subjects())
);
-- A borrower sees the prices of its own pledged goods, no others of the bank.
CREATE POLICY see ON finance.price FOR SELECT TO tallyhouse_read USING (
    bank_party_id = identity.current_party()
    OR EXISTS (
        SELECT FROM finance.pledge p JOIN finance.facility f USING (facility_id)
        WHERE p.sku = price.sku AND p.bank_party_id = price.bank_party_id
            AND f.borrower_party_id = identity.current_party()
    )
);
CREATE POLICY see ON finance.price_approval FOR SELECT TO tallyhouse_read
    USING (price_id IN (SELECT p.price_id FROM finance.price p));

GRANT SELECT ON finance.price_in_force TO tallyhouse_read, tallyhouse_command;
GRANT SELECT, INSERT, UPDATE ON finance.facility, finance.thaw, finance.pledge, finance.drawdown, finance.loan
    TO tallyhouse_command;
GRANT SELECT, INSERT ON finance.facility_event, finance.freeze, finance.price, finance.price_approval TO tallyhouse_command;
