"""A simulated Zebra reader that publishes JSON."""
