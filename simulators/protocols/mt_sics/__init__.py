"""A floor scale that speaks MT-SICS over TCP."""
