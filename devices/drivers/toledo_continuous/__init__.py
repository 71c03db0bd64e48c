"""Scales that send Toledo's continuous output through a serial device server."""
