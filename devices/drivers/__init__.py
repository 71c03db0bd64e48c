"""One folder per device family; drivers do not know each other."""
