"""What may be shown of a secret."""

import hashlib


def fingerprint(key: bytes) -> str:
    """The first 16 hexadecimal digits of its SHA-256: enough to see that two sides have the same key."""
    return hashlib.sha256(key).hexdigest()[:16]
