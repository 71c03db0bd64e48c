"""Vehicle terminals that speak JT/T 808 and keep what was not answered."""
