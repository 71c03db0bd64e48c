"""The truth: a seeded, pure world."""
