-- Sightings come in nearly in the order of their moments: what one device saw in a span is found without reading all.

CREATE INDEX sighting_by_time ON twin.sighting USING brin (observed_at);
