"""Sites of fake devices: what the world noticed becomes the bytes that real devices would send."""
