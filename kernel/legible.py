"""What people enter is read by others: texts hold no characters that are not seen or turn them. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

HIDDEN = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but for tabs and ends of lines, and Unicode's marks, embeddings, overrides and isolates
of direction (Unicode Standard Annex 9, table 1). NUL is no text for the database at all."""


def hidden_in(message: msgspec.Struct) -> str | None:
    """The place of the first text in a message that holds such a character, `lines[2].name`; None without."""
    return _place(msgspec.to_builtins(message), "")


def _place(value: Any, path: str) -> str | None:
    if isinstance(value, str):
        return path if HIDDEN.search(value) else None
    if isinstance(value, Mapping):
        inner = [(f"{path}.{name}" if path else str(name), item) for name, item in value.items()]
    elif isinstance(value, list | tuple):
        inner = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    else:
        return None
    return next((place for at, item in inner if (place := _place(item, at)) is not None), None)
