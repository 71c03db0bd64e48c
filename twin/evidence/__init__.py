"""Verified stock, discrepancies and alarms."""
