"""Work for people with handhelds."""
