"""Password hashing: argon2id with the library's current parameters (RFC 9106, low-memory profile)."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

_hasher = PasswordHasher()
_NOBODY = _hasher.hash("the password of nobody")
_AT_ONCE_MAX = 2
_gate = asyncio.Semaphore(_AT_ONCE_MAX)


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, worked out beside the event loop."""
    async with _gate:
        return await asyncio.to_thread(_hasher.hash, password)


async def is_password(password: str, password_hash: str | None) -> bool:
    """True when the password fits. For an unknown person (None) it takes as long and is False."""

    def verify() -> bool:
        try:
            _hasher.verify(password_hash or _NOBODY, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        return password_hash is not None

    async with _gate:
        return await asyncio.to_thread(verify)
