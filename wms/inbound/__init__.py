"""Deliveries: announced, seen at the gate, put away."""
