-- Gates that something passed lately are looked for by the clock, at all sites.
CREATE INDEX barrier_state_observed_at ON twin.barrier_state (observed_at);
