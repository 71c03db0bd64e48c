"""The scene: everything that stands or moves on a site, as one picture for one party."""
