"""A stream of pictures as HTTP carries it, cut into its pictures. Pure.

MJPEG over HTTP is `multipart/x-mixed-replace` (RFC 2046, section 5.1, and the browsers' own mixed-replace):
a boundary line, headers, a picture, and again. Cameras differ: some tell a length and some do not, some put
the dashes of the boundary into its name, some leave out the CR.
"""

from email.message import Message
from typing import Final

import msgspec

from devices.transport.decoding import FieldRejected

PART_BYTES_MAX: Final = 8_388_608
HEADER_BYTES_MAX: Final = 8_192
PREAMBLE_BYTES_MAX: Final = 65_536
BOUNDARY_LENGTH_MAX: Final = 70
"""RFC 2046, section 5.1.1."""


class StreamBroken(ValueError):
    """What comes is no stream of pictures; the connection is of no use."""

    def __init__(self, field: str, rule: str, raw: bytes) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule, self.raw = field, rule, raw


class Part(msgspec.Struct, frozen=True):
    """What stood between two boundaries: a picture, or with `broken` what is wrong with it."""

    body: bytes
    offset: int
    """Where in the stream it begins, in bytes."""
    broken: FieldRejected | None = None


def media_type(header: str) -> tuple[str, bytes]:
    """Type and boundary of a Content-Type; the boundary is empty for what has no parts."""
    message = Message()
    message["Content-Type"] = header
    boundary = message.get_param("boundary", "")
    return message.get_content_type(), str(boundary).encode("latin-1", "replace")


def boundary_of(content_type: str) -> bytes:
    """The boundary of a stream, empty for a single picture. Raises StreamBroken for anything else."""
    kind, boundary = media_type(content_type)
    if kind == "image/jpeg":
        return b""
    if kind != "multipart/x-mixed-replace":
        rule = "multipart/x-mixed-replace or image/jpeg"
        raise StreamBroken("content-type", rule, content_type.encode())
    if not 1 <= len(boundary) <= BOUNDARY_LENGTH_MAX:
        rule = f"a boundary of 1 to {BOUNDARY_LENGTH_MAX} characters"
        raise StreamBroken("content-type", rule, content_type.encode())
    return boundary


class Parts:
    """Cuts a stream into its parts. What is wrong with one costs only that one: reading goes on at the next
    boundary. Raises StreamBroken when no boundary comes at all."""

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"--" + (boundary.lstrip(b"-") or boundary)
        self._data = bytearray()
        self._offset = 0
        """Of the first byte in `_data`."""
        self._looked = 0
        """How far `_data` was searched for a boundary."""
        self._is_inside = False
        self._body = 0
        self._length: int | None = None
        self._broken: FieldRejected | None = None
        self._is_told = False
        """Whether what is wrong with the part was told already."""

    def feed(self, data: bytes) -> list[Part]:
        """The parts that `data` completes, or that break a rule by now."""
        self._data += data
        parts: list[Part] = []
        while True:
            step = self._in_part() if self._is_inside else self._before_part()
            if step is None:
                return parts
            parts += step

    def _drop(self, count: int) -> None:
        del self._data[:count]
        self._offset += count
        self._looked = 0

    # --- between parts -------------------------------------------------------------------------

    def _before_part(self) -> list[Part] | None:
        """Past the boundary's line and the headers; None while more has to come."""
        at = self._data.find(self._mark)
        if at < 0:
            if len(self._data) > PREAMBLE_BYTES_MAX:
                rule = f"found within {PREAMBLE_BYTES_MAX} bytes, at offset {self._offset}"
                raise StreamBroken("boundary", rule, bytes(self._data[:PREAMBLE_BYTES_MAX]))
            return None
        start, end = self._headers_end(at)
        if end < 0:
            if len(self._data) - at <= HEADER_BYTES_MAX:
                return None
            end = at + len(self._mark)
            self._broken = FieldRejected("header", f"at most {HEADER_BYTES_MAX} bytes")
            self._length = None
        else:
            self._read_headers(bytes(self._data[start:end]))
        self._drop(end)
        self._is_inside, self._is_told = True, False
        return []

    def _headers_end(self, at: int) -> tuple[int, int]:
        """Where the headers begin and the body does, -1 while that is not seen."""
        line = self._data.find(b"\n", at, at + HEADER_BYTES_MAX)
        if line < 0:
            return -1, -1
        ends = []
        for blank in (b"\r\n\r\n", b"\n\n"):
            found = self._data.find(blank, line - 1, at + HEADER_BYTES_MAX)
            if found >= 0:
                ends.append(found + len(blank))
        return line + 1, min(ends, default=-1)

    def _read_headers(self, head: bytes) -> None:
        self._broken, self._length = None, None
        for line in head.splitlines():
            name, _, value = line.partition(b":")
            name, value = name.strip().lower(), value.strip()
            if name == b"content-type" and value.lower().partition(b";")[0].strip() != b"image/jpeg":
                self._broken = FieldRejected("part.content-type", "image/jpeg")
            elif name == b"content-length":
                if not (value.isdigit() and len(value) < 20):
                    self._broken = FieldRejected("part.content-length", "a number")
                elif int(value) > PART_BYTES_MAX:
                    self._broken = FieldRejected("part.content-length", f"at most {PART_BYTES_MAX} bytes")
                else:
                    self._length = int(value)

    # --- inside of a part ----------------------------------------------------------------------

    def _in_part(self) -> list[Part] | None:
        """The part once its end is seen; None while more has to come. A boundary ends a part whatever length
        was told of it; without one the part ends where the length says, before the next comes."""
        told = self._length
        if told is not None and len(self._data) < told:
            return None
        at = self._data.find(self._mark, max(0, self._looked - len(self._mark)))
        if told is not None or at >= 0:
            return self._finish(min(end for end in (at, told) if end is not None and end >= 0))
        self._looked = len(self._data)
        if len(self._data) <= PART_BYTES_MAX:
            return None
        broken = self._broken or FieldRejected("part", f"at most {PART_BYTES_MAX} bytes")
        said = [] if self._is_told else [Part(bytes(self._data[:PART_BYTES_MAX]), self._offset, broken)]
        self._is_told = True
        self._drop(len(self._data) - len(self._mark))
        return said or None

    def _finish(self, end: int) -> list[Part]:
        body = bytes(self._data[:end]).rstrip(b"-\r\n")
        said = [] if self._is_told else [Part(body, self._offset, self._broken)]
        self._drop(end)
        self._is_inside = False
        return said
