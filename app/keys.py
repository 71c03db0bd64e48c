"""Keys and secrets that an edge itself must know, each in a file that only its owner can read.

They are neither in the database nor in a backup of it: the registry keeps a key's name alone. Whoever
issued a key has the original.
"""

import os
import secrets
from pathlib import Path

from devices.families import KEY_NAME
from kernel.errors import Conflict, Invalid

KEY_BYTES = 32
SECRET_LENGTH_MAX = 255


class Keys:
    """The folder of an edge: keys, `<name>.key`, 64 hexadecimal digits; secrets, `<name>.secret`, a line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> bytes | None:
        """The key of that name, or None when there is none. Raises Invalid for a file that holds no key."""
        text = self._read(name, "key")
        if text is None:
            return None
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise Invalid("keys.file", field=f"{name}.key", rule=f"{2 * KEY_BYTES} hexadecimal digits")
        return key

    def secret(self, name: str) -> str | None:
        """The secret of that name, or None when there is none. Raises Invalid for a file that holds none."""
        text = self._read(name, "secret")
        if text is not None and not 0 < len(text.strip()) <= SECRET_LENGTH_MAX:
            rule = f"1 to {SECRET_LENGTH_MAX} characters"
            raise Invalid("keys.file", field=f"{name}.secret", rule=rule)
        return None if text is None else text.strip()

    def make(self, name: str) -> bytes:
        """Make a new random key and keep it. Raises Conflict when there is one of that name."""
        key = secrets.token_bytes(KEY_BYTES)
        self._write(name, "key", key.hex())
        return key

    def keep_secret(self, name: str, text: str) -> None:
        """Keep a secret that somebody else made. Raises Conflict when there is one of that name."""
        if not 0 < len(text) <= SECRET_LENGTH_MAX or text != text.strip():
            raise Invalid("keys.file", field="secret", rule=f"1 to {SECRET_LENGTH_MAX} characters, no blanks")
        self._write(name, "secret", text)

    def _read(self, name: str, kind: str) -> str | None:
        try:
            return self._path(name, kind).read_text()
        except FileNotFoundError:
            return None

    def _write(self, name: str, kind: str, text: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            file = os.open(self._path(name, kind), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Conflict("keys.taken", field="name", name=name) from None
        with os.fdopen(file, "w") as out:
            out.write(text)

    def _path(self, name: str, kind: str) -> Path:
        if not KEY_NAME.fullmatch(name):
            raise Invalid(
                "keys.name", field="name", rule="1 to 64 letters, digits, dots, dashes, underscores"
            )
        return self._folder / f"{name}.{kind}"
