"""Ear tags of animals, heard by base stations that report over MQTT."""
