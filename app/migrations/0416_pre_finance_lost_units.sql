-- Two people of a bank may name pledged goods as lost when they thaw: the pledge counts them no more, for good.

ALTER TABLE finance.thaw ADD COLUMN lost_unit_ids text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN finance.thaw.lost_unit_ids IS 'Pledged units that the two people give up as lost, for the stated reason.';

CREATE TABLE finance.lost_unit (
    pledge_id text NOT NULL REFERENCES finance.pledge,
    unit_id text NOT NULL,
    thaw_id text NOT NULL REFERENCES finance.thaw,
    PRIMARY KEY (pledge_id, unit_id)
);
COMMENT ON TABLE finance.lost_unit IS 'Units that a pledge counts no more, by the thaw that gave them up. Never changed. The receipt goes on stating them: the keeper owes them.';
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON finance.lost_unit
    FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change();
ALTER TABLE finance.lost_unit ENABLE ROW LEVEL SECURITY;
ALTER TABLE finance.lost_unit FORCE ROW LEVEL SECURITY;
CREATE POLICY act ON finance.lost_unit TO tallyhouse_command USING (true) WITH CHECK (true);
CREATE POLICY see ON finance.lost_unit FOR SELECT TO tallyhouse_read
    USING (pledge_id IN (SELECT p.pledge_id FROM finance.pledge p));
GRANT SELECT ON finance.lost_unit TO tallyhouse_read;
GRANT SELECT, INSERT ON finance.lost_unit TO tallyhouse_command;

CREATE OR REPLACE FUNCTION finance.require_thawing_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(NEW.evidence_ids) = 0 AND EXISTS (
        SELECT FROM finance.pledge p JOIN finance.receipt_unit u ON u.receipt_id = p.receipt_id AND u.live
        WHERE p.facility_id = NEW.facility_id AND p.released_at IS NULL AND u.unit_id <> ALL (NEW.lost_unit_ids)
            AND NOT EXISTS (SELECT FROM finance.lost_unit l
                WHERE (l.pledge_id, l.unit_id) = (p.pledge_id, u.unit_id)))
    THEN
        RAISE EXCEPTION 'a thaw of facility % rests on evidence, for units are pledged to it', NEW.facility_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
