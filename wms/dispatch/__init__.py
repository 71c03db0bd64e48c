"""Releases and the gate."""
