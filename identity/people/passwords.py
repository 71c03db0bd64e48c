"""Password hashing: argon2id with the library's current parameters (RFC 9106, low-memory profile)."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

_hasher = PasswordHasher()
_NOBODY = _hasher.hash("the password of nobody")
AT_ONCE_MAX = 2
gate = asyncio.Semaphore(AT_ONCE_MAX)
"""A hash takes 64 MB and tens of milliseconds of all cores; whoever waits here must hold nothing else."""


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, worked out beside the event loop."""
    async with gate:
        return await asyncio.to_thread(_hasher.hash, password)


async def is_password(password: str, password_hash: str | None) -> bool:
    """True when the password fits. For an unknown person (None) it takes as long and is False."""

    def verify() -> bool:
        try:
            _hasher.verify(password_hash or _NOBODY, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        return password_hash is not None

    async with gate:
        return await asyncio.to_thread(verify)
