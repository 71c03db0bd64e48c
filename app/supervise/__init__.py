"""Programs Tallyhouse starts and looks after itself: the embedded PostgreSQL and the MQTT broker."""
