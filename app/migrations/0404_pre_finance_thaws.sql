-- A thaw keeps what its evidence said, and may be refused.

ALTER TABLE finance.thaw
    ADD COLUMN evidence jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN refused_by text,
    ADD COLUMN refusal text CHECK (refusal <> ''),
    ADD CHECK ((refused_by IS NULL) = (refusal IS NULL)),
    ADD CHECK (refused_by IS NULL OR superseded_at IS NOT NULL);
COMMENT ON COLUMN finance.thaw.evidence IS 'The observations that the two people relied on, as they were when the thaw was proposed: device, modality, moment and units of each.';
COMMENT ON COLUMN finance.thaw.refused_by IS 'Who refused the proposal, for the reason in refusal; it is superseded from then on.';
