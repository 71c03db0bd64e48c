"""Warehouse management: what the books say stands where, who may take it, and when the gate opens."""
