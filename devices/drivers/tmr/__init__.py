"""The weighing indicator of a feed mixer wagon, over TCP."""
