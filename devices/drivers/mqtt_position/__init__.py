"""Forklifts and people that report where they are, as JSON over MQTT."""
