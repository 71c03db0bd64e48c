-- A tag is on one pallet in the world (GS1 EPC Tag Data Standard): goods that are entered at a second site under
-- another SSCC, with the same tag, are under no second receipt.

ALTER TABLE finance.receipt_unit ADD COLUMN epc_hex text;
COMMENT ON COLUMN finance.receipt_unit.epc_hex IS 'What the unit''s tag says, as of issue; null for one without, and for what was issued on before tags were kept.';
CREATE UNIQUE INDEX one_live_receipt_per_tag ON finance.receipt_unit (epc_hex) WHERE live AND epc_hex IS NOT NULL;
COMMENT ON INDEX finance.one_live_receipt_per_tag IS 'Over all sites.';
