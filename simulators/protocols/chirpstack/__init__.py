"""A LoRaWAN network server that publishes what its nodes say."""
