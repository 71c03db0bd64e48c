"""A satellite receiver that sends NMEA 0183."""
