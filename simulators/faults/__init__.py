"""What goes wrong between devices and the product; lists in scenario files, never code in a device."""
