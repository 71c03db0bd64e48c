"""Promising stock to orders, first in first out."""
