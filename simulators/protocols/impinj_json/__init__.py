"""A simulated Impinj reader that publishes JSON."""
