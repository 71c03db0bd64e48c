"""Indoor positions from a UWB positioning server, over MQTT."""
