"""Orders: placed or imported, reviewed, their lines."""
