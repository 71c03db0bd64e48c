"""A feed mixer wagon: what its weigh bars carry, and the indicator that tells it."""
