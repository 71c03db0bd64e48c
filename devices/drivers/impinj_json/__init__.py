"""RFID readers of Impinj that tell what they hear as JSON over MQTT."""
