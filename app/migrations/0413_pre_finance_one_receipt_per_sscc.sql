-- An SSCC names one pallet in the world (GS1 General Specifications, 2.2.1): the same goods entered at a second site are
-- under no second receipt.

CREATE UNIQUE INDEX one_live_receipt_per_sscc ON finance.receipt_unit (sscc) WHERE live AND sscc IS NOT NULL;
COMMENT ON INDEX finance.one_live_receipt_per_sscc IS 'Over all sites. Units issued on before labels were kept have none.';
