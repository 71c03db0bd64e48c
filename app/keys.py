"""Keys that an edge itself must know, each in a file that only its owner can read.

They are neither in the database nor in a backup of it: the registry keeps a key's name alone. Whoever
issued a key has the original.
"""

import os
import secrets
from pathlib import Path

from devices.families import KEY_NAME
from kernel.errors import Conflict, Invalid

KEY_BYTES = 32


class Keys:
    """The folder of an edge's keys: `<name>.key`, 64 hexadecimal digits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> bytes | None:
        """The key of that name, or None when there is none. Raises Invalid for a file that holds no key."""
        try:
            text = self._path(name).read_text()
        except FileNotFoundError:
            return None
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise Invalid("keys.file", field=f"{name}.key", rule=f"{2 * KEY_BYTES} hexadecimal digits")
        return key

    def make(self, name: str) -> bytes:
        """Make a new random key and keep it. Raises Conflict when there is one of that name."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = secrets.token_bytes(KEY_BYTES)
        try:
            file = os.open(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Conflict("keys.taken", field="name", name=name) from None
        with os.fdopen(file, "w") as out:
            out.write(key.hex())
        return key

    def _path(self, name: str) -> Path:
        if not KEY_NAME.fullmatch(name):
            raise Invalid(
                "keys.name", field="name", rule="1 to 64 letters, digits, dots, dashes, underscores"
            )
        return self._folder / f"{name}.key"
