"""RFID readers of Zebra that tell what they hear as JSON over MQTT."""
