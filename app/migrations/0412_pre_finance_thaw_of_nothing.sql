-- Where nothing is pledged no sensor can show it: two people thaw such a facility for a stated reason alone.

ALTER TABLE finance.thaw DROP CONSTRAINT thaw_evidence_ids_check;
CREATE FUNCTION finance.require_thawing_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(NEW.evidence_ids) = 0 AND EXISTS (
        SELECT FROM finance.pledge p JOIN finance.receipt_unit u ON u.receipt_id = p.receipt_id AND u.live
        WHERE p.facility_id = NEW.facility_id AND p.released_at IS NULL)
    THEN
        RAISE EXCEPTION 'a thaw of facility % rests on evidence, for units are pledged to it', NEW.facility_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER rests_on_evidence BEFORE INSERT OR UPDATE ON finance.thaw
    FOR EACH ROW WHEN (NEW.superseded_at IS NULL) EXECUTE FUNCTION finance.require_thawing_evidence();
COMMENT ON COLUMN finance.thaw.evidence_ids IS 'What the thaw rests on; none where nothing is pledged.';
