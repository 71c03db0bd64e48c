"""A ranch with its truth: animals that grow, fall ill and die, herds that move, feed that is eaten."""
