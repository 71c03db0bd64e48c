"""Fake devices: frames without sockets, and servers that put them on the wire."""
