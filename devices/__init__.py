"""Devices: drivers, ingest, registry and commands."""
