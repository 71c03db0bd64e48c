"""Barriers moved by methods of an OPC UA server."""
