"""The warehouse of the reference world: the truth at one moment, and one pure step from it."""
