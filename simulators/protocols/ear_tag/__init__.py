"""Ear tags on animals, and the base station that hears them."""
