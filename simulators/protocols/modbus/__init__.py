"""Weighing indicators and a barrier as Modbus servers."""
