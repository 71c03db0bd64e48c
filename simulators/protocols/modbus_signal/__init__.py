"""A traffic light as a Modbus module."""
