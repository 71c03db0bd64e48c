"""Orders to barriers, from the queue to the barrier's own feedback."""
