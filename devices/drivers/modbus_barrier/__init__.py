"""Barriers commanded and watched over Modbus TCP."""
