"""The catalogue of items."""
