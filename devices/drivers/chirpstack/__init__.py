"""LoRaWAN nodes behind a ChirpStack network server, over MQTT."""
