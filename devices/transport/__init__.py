"""Connections that several driver families share."""
