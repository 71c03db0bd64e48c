"""Incidents at gates: graded, with their evidence; acknowledged and cleared by people."""
