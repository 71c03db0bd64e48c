-- A pledge counts no more pieces than the scale vouches for, which needs the mass of one.

ALTER TABLE finance.lot_evidence ADD COLUMN piece_mass_g bigint NOT NULL DEFAULT 0 CHECK (piece_mass_g >= 0);
COMMENT ON COLUMN finance.lot_evidence.piece_mass_g IS 'The mass of one piece by the catalogue; 0 when it states none, and in what was kept before this was.';
