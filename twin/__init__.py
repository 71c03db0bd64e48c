"""The twin: what sensors say is there, where it is, and how sure that is."""
