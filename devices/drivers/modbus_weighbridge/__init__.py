"""Weighing indicators polled over Modbus."""
