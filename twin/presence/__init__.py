"""Sightings, gate crossings, vehicle visits, and where things are."""
