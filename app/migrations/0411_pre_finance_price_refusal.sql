-- A proposed price can be refused, with a reason: by a second person, or taken back by the one who proposed it.

CREATE TABLE finance.price_refusal (
    price_id text PRIMARY KEY REFERENCES finance.price,
    refused_by text NOT NULL,
    refused_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (reason <> '')
);
COMMENT ON TABLE finance.price_refusal IS 'Proposed prices that never come in force, and why. Never changed.';
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON finance.price_refusal
    FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change();

-- Whoever decides holds the lock on the prices of the bank's goods, so that no other decision comes between.
CREATE FUNCTION finance.refuse_second_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM finance.price_approval a WHERE a.price_id = NEW.price_id)
        OR EXISTS (SELECT FROM finance.price_refusal r WHERE r.price_id = NEW.price_id)
        OR NOT EXISTS (SELECT FROM finance.price p WHERE p.price_id = NEW.price_id AND p.needs_approval)
    THEN
        RAISE EXCEPTION 'price % is decided', NEW.price_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER decided_once BEFORE INSERT ON finance.price_approval
    FOR EACH ROW EXECUTE FUNCTION finance.refuse_second_decision();
CREATE TRIGGER decided_once BEFORE INSERT ON finance.price_refusal
    FOR EACH ROW EXECUTE FUNCTION finance.refuse_second_decision();

ALTER TABLE finance.price_refusal ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.price_refusal FORCE ROW LEVEL SECURITY;
CREATE POLICY act ON finance.price_refusal TO tallyhouse_command USING (true) WITH CHECK (true);
CREATE POLICY see ON finance.price_refusal FOR SELECT TO tallyhouse_read
    USING (price_id IN (SELECT p.price_id FROM finance.price p));
GRANT SELECT ON finance.price_refusal TO tallyhouse_read;
GRANT SELECT, INSERT ON finance.price_refusal TO tallyhouse_command;
