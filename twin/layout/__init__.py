"""Sites, zones, racks, slots and gates: checked, versioned."""
