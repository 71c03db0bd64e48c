-- Double-entry books of each bank. Amounts are signed fen: debits positive, credits negative.

CREATE TABLE finance.business_day (
    bank_party_id text PRIMARY KEY REFERENCES identity.party,
    time_zone text NOT NULL,
    business_date date NOT NULL
);
COMMENT ON TABLE finance.business_day IS 'The open business date of each bank. The day-end job moves it, one day at a time.';

CREATE TABLE finance.account (
    account_id text PRIMARY KEY,
    bank_party_id text NOT NULL REFERENCES identity.party,
    party_id text NOT NULL REFERENCES identity.party,
    facility_id text,
    kind text NOT NULL CHECK (kind IN ('settlement', 'loan_principal', 'interest_receivable', 'interest_income')),
    side text NOT NULL CHECK (side IN ('debit', 'credit', 'either')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    balance_fen bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    CHECK (side <> 'debit' OR balance_fen >= 0),
    CHECK (side <> 'credit' OR balance_fen <= 0)
);
COMMENT ON TABLE finance.account IS 'Chart of accounts with running balances. An account with a side never goes to the other side.';
CREATE INDEX ON finance.account (bank_party_id, account_id);

CREATE TABLE finance.entry (
    entry_id text PRIMARY KEY,
    bank_party_id text NOT NULL REFERENCES identity.party,
    facility_id text,
    loan_id text,
    kind text NOT NULL CHECK (kind IN ('drawdown', 'accrual', 'repayment', 'reversal')),
    business_date date NOT NULL,
    value_date date NOT NULL,
    at timestamptz NOT NULL,
    by_person text NOT NULL,
    currency text NOT NULL,
    debit_fen bigint NOT NULL CHECK (debit_fen > 0),
    posting_count integer NOT NULL CHECK (posting_count >= 2),
    reverses text UNIQUE REFERENCES finance.entry,
    facts jsonb NOT NULL,
    CHECK ((kind = 'reversal') = (reverses IS NOT NULL))
);
COMMENT ON TABLE finance.entry IS 'The money journal: one row per booking, never changed. A wrong entry is answered by one reversing entry.';
CREATE INDEX ON finance.entry (loan_id);
CREATE INDEX ON finance.entry (bank_party_id, entry_id);

CREATE TABLE finance.posting (
    entry_id text NOT NULL REFERENCES finance.entry,
    line integer NOT NULL CHECK (line > 0),
    account_id text NOT NULL REFERENCES finance.account,
    amount_fen bigint NOT NULL CHECK (amount_fen <> 0 AND abs(amount_fen) <= 9007199254740991),
    PRIMARY KEY (entry_id, line)
);
COMMENT ON TABLE finance.posting IS 'The lines of an entry: debits positive, credits negative, sum zero.';
CREATE INDEX ON finance.posting (account_id, entry_id);

CREATE FUNCTION finance.check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted finance.entry;
    lines bigint;
    total numeric;
    debits numeric;
    strangers bigint;
BEGIN
    SELECT * INTO STRICT wanted FROM finance.entry WHERE entry_id = NEW.entry_id;
    SELECT count(*), coalesce(sum(p.amount_fen), 0), coalesce(sum(p.amount_fen) FILTER (WHERE p.amount_fen > 0), 0),
        count(*) FILTER (WHERE a.currency <> wanted.currency OR a.bank_party_id <> wanted.bank_party_id)
        INTO lines, total, debits, strangers
        FROM finance.posting p JOIN finance.account a USING (account_id) WHERE p.entry_id = NEW.entry_id;
    IF total <> 0 OR lines <> wanted.posting_count OR debits <> wanted.debit_fen OR strangers <> 0 THEN
        RAISE EXCEPTION 'entry % does not balance', NEW.entry_id USING ERRCODE = 'check_violation',
            CONSTRAINT = 'entry_balances';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION finance.check_entry() IS 'At commit: debits equal credits, all lines are there and no more, one bank and one currency.';
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON finance.entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION finance.check_entry();
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON finance.posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION finance.check_entry();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON finance.entry
    FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON finance.posting
    FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change();

ALTER TABLE finance.business_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.business_day FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON finance.business_day FOR SELECT TO tallyhouse_read
    USING (bank_party_id = identity.current_party());
CREATE POLICY act ON finance.business_day TO tallyhouse_command USING (true) WITH CHECK (true);

ALTER TABLE finance.account ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.account FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON finance.account FOR SELECT TO tallyhouse_read
    USING (bank_party_id = identity.current_party());
CREATE POLICY act ON finance.account TO tallyhouse_command USING (true) WITH CHECK (true);

ALTER TABLE finance.entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.entry FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON finance.entry FOR SELECT TO tallyhouse_read
    USING (bank_party_id = identity.current_party());
CREATE POLICY act ON finance.entry TO tallyhouse_command USING (true) WITH CHECK (true);

ALTER TABLE finance.posting ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.posting FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON finance.posting FOR SELECT TO tallyhouse_read
    USING (EXISTS (SELECT FROM finance.entry e WHERE e.entry_id = posting.entry_id));
CREATE POLICY act ON finance.posting TO tallyhouse_command USING (true) WITH CHECK (true);

GRANT SELECT ON finance.business_day, finance.account, finance.entry, finance.posting TO tallyhouse_read;
GRANT SELECT, INSERT, UPDATE ON finance.business_day, finance.account TO tallyhouse_command;
GRANT SELECT, INSERT ON finance.entry, finance.posting TO tallyhouse_command;
