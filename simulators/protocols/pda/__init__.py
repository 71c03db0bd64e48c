"""A handheld that signs in, scans, queues and sends again."""
