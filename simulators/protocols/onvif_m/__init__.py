"""Fake cameras of ONVIF profile M."""
