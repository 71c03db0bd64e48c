"""Vehicles and their stays."""
