"""Scenario files: a world's parameters, and what happens in it, as data."""
