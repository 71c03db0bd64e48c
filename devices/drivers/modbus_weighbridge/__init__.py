"""Weighbridge indicators polled over Modbus TCP."""
