"""A data frame out of an R workspace file, as far as numbers and text go.

Source: "R Internals", section 1.8 (serialization formats): XDR, big-endian, here behind bzip2.
"""

import bz2
import struct
from pathlib import Path
from typing import Any

_NIL, _REFERENCE, _SYMBOL, _PAIRLIST, _CHARS = 254, 255, 1, 2, 9
_LOGICAL, _INTEGER, _REAL, _STRINGS, _LIST = 10, 13, 14, 16, 19
_HAS_ATTRIBUTES, _HAS_TAG = 1 << 9, 1 << 10


class _Workspace:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._symbols: list[str] = []

    def whole(self) -> dict[str, Any]:
        magic, form = self._take(5), self._take(2)
        assert (magic, form) in {(b"RDX2\n", b"X\n"), (b"RDX3\n", b"X\n")}
        version, _, _ = self._integer(), self._integer(), self._integer()
        if version == 3:
            self._take(self._integer())
        return dict(self._item())

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def _integer(self) -> int:
        return int(struct.unpack(">i", self._take(4))[0])

    def _numbers(self, code: str, size: int) -> list[Any]:
        count = self._integer()
        return list(struct.unpack(f">{count}{code}", self._take(count * size)))

    def _item(self) -> Any:
        flags = self._integer()
        kind = flags & 0xFF
        if kind == _PAIRLIST:
            return self._pairs(flags)
        if kind == _NIL:
            return []
        if kind == _REFERENCE:
            return self._symbols[(flags >> 8) - 1]
        if kind == _SYMBOL:
            self._symbols.append(self._item())
            return self._symbols[-1]
        if kind == _CHARS:
            length = self._integer()
            return None if length < 0 else self._take(length).decode()
        value = self._vector(kind)
        attributes = dict(self._item()) if flags & _HAS_ATTRIBUTES else {}
        return dict(zip(attributes["names"], value, strict=True)) if "names" in attributes else value

    def _pairs(self, flags: int) -> list[tuple[Any, Any]]:
        pairs: list[tuple[Any, Any]] = []
        while flags & 0xFF == _PAIRLIST:
            if flags & _HAS_ATTRIBUTES:
                self._item()
            tag = self._item() if flags & _HAS_TAG else None
            pairs.append((tag, self._item()))
            flags = self._integer()
        return pairs

    def _vector(self, kind: int) -> list[Any]:
        if kind in (_LOGICAL, _INTEGER):
            return self._numbers("i", 4)
        if kind == _REAL:
            return self._numbers("d", 8)
        assert kind in (_STRINGS, _LIST), f"a type of R that is not read here: {kind}"
        return [self._item() for _ in range(self._integer())]


def read_rda(path: Path) -> dict[str, Any]:
    """Every variable of the workspace; a data frame is a dictionary of columns."""
    return _Workspace(bz2.decompress(path.read_bytes())).whole()
