"""Reading big-endian fields from bytes, one after the other. Pure."""

import struct

from devices.transport.decoding import FieldRejected


class Fields:
    """A place in some bytes that moves on with each field read. What is not there is FieldRejected, with the
    name of the field and the offset at which the bytes end."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return len(self._data) - self.at

    def take(self, field: str, size: int) -> bytes:
        """The next `size` bytes."""
        if size > self.left:
            raise FieldRejected(field, f"{size} bytes at offset {self.at}, where {self.left} are left")
        taken = self._data[self.at : self.at + size]
        self.at += size
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.take("rest", self.left)

    def since(self, start: int) -> bytes:
        """What was read from the offset `start` on."""
        return self._data[start : self.at]

    def unsigned(self, field: str, size: int) -> int:
        return int.from_bytes(self.take(field, size), "big")

    def signed_words(self, field: str, count: int) -> tuple[int, ...]:
        """So many signed numbers of two bytes, as `signed` would read them one by one."""
        if 2 * count > self.left:
            self.at += self.left // 2 * 2
            self.take(field, 2)
        return struct.unpack(f">{count}h", self.take(field, 2 * count))

    def signed(self, field: str, size: int) -> int:
        return int.from_bytes(self.take(field, size), "big", signed=True)
