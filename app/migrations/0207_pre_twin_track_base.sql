-- A late sighting folds a tag again from its base, not from its first sighting on.

ALTER TABLE twin.track ADD COLUMN base_at timestamptz;
ALTER TABLE twin.track ADD COLUMN base jsonb;
ALTER TABLE twin.track ADD COLUMN beyond integer NOT NULL DEFAULT 0;
ALTER TABLE twin.track ADD CONSTRAINT track_base_whole CHECK ((base IS NULL) = (base_at IS NULL));
COMMENT ON TABLE twin.track IS 'How far a tag''s sightings are folded and the state then: later ones continue, earlier ones fold again from the base.';
COMMENT ON COLUMN twin.track.base IS 'The state through base_at, with all sightings of that moment; null: before the first.';
COMMENT ON COLUMN twin.track.beyond IS 'How many sightings are folded on top of the base.';
