"""Cameras that say what they recognise, by ONVIF profile M over MQTT."""
