"""Lines out of a stream of bytes, for devices that speak in them. Pure."""

from devices.transport.decoding import FieldRejected


class Lines:
    """Cuts a stream at LF; a CR before it is left off, and empty lines are none.

    A line longer than `bytes_max` is given as far as it goes, with the rule it breaks; the rest of it up to
    the next LF is left out.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._begun = b""
        self._is_skipping = False

    def feed(self, data: bytes) -> list[tuple[bytes, FieldRejected | None]]:
        """The lines that `data` completes, each with what is wrong with its length or None."""
        *whole, self._begun = (self._begun + data).split(b"\n")
        found: list[tuple[bytes, FieldRejected | None]] = []
        for ended in whole:
            line = ended.removesuffix(b"\r")
            if self._is_skipping:
                self._is_skipping = False
            elif len(line) > self._bytes_max:
                found.append(self._too_long(line))
            elif line:
                found.append((line, None))
        if len(self._begun) > self._bytes_max + 1:
            if not self._is_skipping:
                found.append(self._too_long(self._begun))
            self._begun, self._is_skipping = b"", True
        return found

    def _too_long(self, line: bytes) -> tuple[bytes, FieldRejected]:
        return line[: self._bytes_max], FieldRejected("line", f"at most {self._bytes_max} bytes")
