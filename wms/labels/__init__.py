"""Labels of pallets."""
