"""Vehicle terminals that speak JT/T 808 (部标 808)."""
