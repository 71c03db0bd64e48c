-- What a release lets out weighs more than its tagged units where parcels go with them, and less where a pallet
-- was counted short: the release says it.
ALTER TABLE twin.expected_departure ADD COLUMN mass_g bigint CHECK (mass_g >= 0);
COMMENT ON COLUMN twin.expected_departure.mass_g IS 'Grams of all that is released, with what bears no tag; null: what its units weigh.';
