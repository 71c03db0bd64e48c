"""Simulated devices and the world they look at. Shares nothing with the product but the kernel."""
