"""Scales of the OPC UA companion model for weighing technology."""
