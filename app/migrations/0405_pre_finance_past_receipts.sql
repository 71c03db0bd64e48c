-- A party goes on reading a receipt that it once held: what never changes of it, and its steps up to the end of
-- the party's right. What the receipt is after that is not in these views, and later steps are not its to see.

ALTER TABLE finance.receipt_unit ADD COLUMN sscc text;
COMMENT ON COLUMN finance.receipt_unit.sscc IS 'What the unit''s label says, as of issue.';

-- The views below read for their owner, whom row-level security binds like everybody else.
CREATE POLICY own ON finance.receipt FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY own ON finance.receipt_unit FOR SELECT TO CURRENT_USER USING (true);

CREATE VIEW finance.known_receipt WITH (security_barrier) AS
    SELECT r.receipt_id, r.keeper_party_id, r.number, r.depositor_party_id, r.site_id, r.lot_id, r.sku, r.goods,
        r.quality, r.package, r.marks, r.unit_count, r.quantity_each, r.mass_g, r.place, r.storage_until,
        r.loss_standard, r.insurance, r.fee_terms, r.lien_fen, r.issued_at, k.seen_until
    FROM finance.receipt r JOIN identity.known_subjects() k ON k.subject_id = r.receipt_id;
COMMENT ON VIEW finance.known_receipt IS 'The elements of receipts that the current party sees or saw; they never change. seen_until is null for those that it sees now.';

CREATE VIEW finance.known_receipt_unit WITH (security_barrier) AS
    SELECT u.receipt_id, u.unit_id, u.sscc FROM finance.receipt_unit u
    WHERE u.receipt_id IN (SELECT k.subject_id FROM identity.known_subjects() k);
COMMENT ON VIEW finance.known_receipt_unit IS 'Which units those receipts were issued on.';

DROP POLICY see ON finance.encumbrance;
CREATE POLICY see ON finance.encumbrance FOR SELECT TO tallyhouse_read USING (
    receipt_id IN (SELECT identity.visible_subjects()) OR at <= identity.seen_until(receipt_id)
);

GRANT SELECT ON finance.known_receipt, finance.known_receipt_unit TO tallyhouse_read;
