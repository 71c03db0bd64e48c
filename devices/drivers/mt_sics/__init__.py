"""Scales that speak MT-SICS, Mettler Toledo's Standard Interface Command Set, over TCP."""
