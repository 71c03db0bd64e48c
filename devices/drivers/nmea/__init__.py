"""Satellite receivers that send NMEA 0183 sentences."""
