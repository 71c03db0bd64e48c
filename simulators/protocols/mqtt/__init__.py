"""Forklifts and people that report over MQTT and keep what was not acknowledged."""
