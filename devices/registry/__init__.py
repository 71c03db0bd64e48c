"""Which devices may speak, and with which credential."""
