"""Vehicles at the gates: visits, weighings, who stands there and who left."""
