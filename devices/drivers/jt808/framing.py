"""JT/T 808 frames: bytes to messages and back. Pure.

Source: JT/T 808-2011, -2013 and -2019, section 4.4. A frame is `7E`, header, body, XOR over both, `7E`;
inside it `7D 02` stands for 7E and `7D 01` for 7D. Numbers are big endian. Header: u16 id, u16 attributes
(bits 0 to 9 body length, 10 to 12 cipher, 13 split, 14 the form of 2019), in the form of 2019 u8 version,
then the terminal's number in BCD (6 bytes; 10 in 2019), u16 serial; of a split message u16 parts and u16
part, from 1.
"""

from functools import reduce
from operator import xor
from typing import Final, NamedTuple

from devices.transport.decoding import FieldRejected
from devices.transport.fields import Fields

FLAG: Final = 0x7E
ESCAPE: Final = 0x7D
BODY_BYTES_MAX: Final = 1_023
FRAME_BYTES_MAX: Final = 2_100
"""Between two flags, escaped: header, a full body and checksum, should each of their bytes be an escaped
one."""
VERSION: Final = 1
"""Of the form of 2019; the standard counts up when a header changes."""
PARTS_MAX: Final = 64
"""Of a split message. The standard has 65,535; a store of positions fills a few."""
SPLIT_MAX: Final = 4
"""Split messages of one connection that are not whole yet; an older one makes room for a newer."""

SPLIT: Final = 1 << 13
FORM_2019: Final = 1 << 14
_CIPHER: Final = 0b111 << 10


class Bad(NamedTuple):
    """Bytes that are no message, and why."""

    error: FieldRejected
    raw: bytes


class Message(NamedTuple):
    """One message. `address` is the number as it came (with the version byte in the form of 2019), to be sent
    back; `number` its digits without leading zeros. `part` counts from 1; `parts` is 1 when it is not
    split."""

    message_id: int
    address: bytes
    number: str
    serial: int
    parts: int
    part: int
    body: bytes
    raw: bytes

    @property
    def is_2019(self) -> bool:
        return len(self.address) > 6


def decode(raw: bytes) -> Message:
    """A message from the bytes between two flags, escaped as they came. Raises FieldRejected."""
    plain = unescaped(raw)
    checksum = reduce(xor, plain, 0)
    if checksum:
        raise FieldRejected("checksum", f"XOR of all before it, at offset {len(plain) - 1}")
    fields = Fields(plain[:-1])
    message_id, attributes = fields.unsigned("message_id", 2), fields.unsigned("attributes", 2)
    address = _address(fields, attributes)
    serial, parts, part = fields.unsigned("serial", 2), 1, 1
    if attributes & SPLIT:
        parts, part = fields.unsigned("parts", 2), fields.unsigned("part", 2)
    if not 1 <= part <= parts <= PARTS_MAX:
        raise FieldRejected("part", f"1 to {parts} of at most {PARTS_MAX}, {part} is not")
    if attributes & _CIPHER:
        raise FieldRejected("attributes", "not encrypted")
    length = attributes & BODY_BYTES_MAX
    if length != fields.left:
        raise FieldRejected("attributes", f"{fields.left} bytes of body, not {length}")
    return Message(message_id, address, _digits(address), serial, parts, part, fields.rest(), raw)


def _address(fields: Fields, attributes: int) -> bytes:
    if not attributes & FORM_2019:
        return fields.take("terminal_number", 6)
    version = fields.take("version", 1)
    if version[0] != VERSION:
        raise FieldRejected("version", f"{VERSION} at offset 4, {version[0]} is not")
    return version + fields.take("terminal_number", 10)


def _digits(address: bytes) -> str:
    """The number's digits. Terminals fill up with zeros, and some put letters where the standard has
    digits."""
    return address[len(address) % 2 :].hex().upper().lstrip("0")


def encode(message_id: int, address: bytes, serial: int, body: bytes) -> bytes:
    """A message of ours to a terminal, in the form it speaks itself."""
    form = FORM_2019 if len(address) > 6 else 0
    plain = (
        message_id.to_bytes(2, "big")
        + (len(body) | form).to_bytes(2, "big")
        + address
        + serial.to_bytes(2, "big")
        + body
    )
    plain += bytes([reduce(xor, plain, 0)])
    return bytes([FLAG]) + escaped(plain) + bytes([FLAG])


def escaped(plain: bytes) -> bytes:
    """7D first: it is what the other escape is made of."""
    return plain.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02")


def unescaped(raw: bytes) -> bytes:
    """Raises FieldRejected for an escape that stands for nothing."""
    pieces = raw.split(b"\x7d")
    offset = len(pieces[0])
    for piece in pieces[1:]:
        if piece[:1] not in (b"\x01", b"\x02"):
            raise FieldRejected("escape", f"7D 01 or 7D 02 at offset {offset}")
        offset += 1 + len(piece)
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += (b"\x7d" if piece[0] == 1 else b"\x7e") + piece[1:]
    return whole


class Deframer:
    """Cuts a stream into messages; what lies between flags and is no message is Bad, and the stream goes
    on."""

    def __init__(self) -> None:
        self._buffer = b""
        self._is_skipping = False
        """Within a frame that is longer than any, of which the beginning was told already."""

    def feed(self, data: bytes) -> list[Message | Bad]:
        self._buffer += data
        *between, self._buffer = self._buffer.split(b"\x7e")
        found = [frame for raw in between for frame in self._frame(raw)]
        if len(self._buffer) > FRAME_BYTES_MAX:
            found += self._frame(self._buffer)
            self._buffer, self._is_skipping = b"", True
        return found

    def _frame(self, raw: bytes) -> list[Message | Bad]:
        was_skipping, self._is_skipping = self._is_skipping, False
        if not raw or was_skipping:
            return []
        if len(raw) > FRAME_BYTES_MAX:
            return [Bad(FieldRejected("frame", f"at most {FRAME_BYTES_MAX} bytes before the next 7E"), raw)]
        try:
            return [decode(raw)]
        except FieldRejected as error:
            return [Bad(error, raw)]


class Joined(NamedTuple):
    """A split message that is whole: its body, and every part, since each is answered."""

    body: bytes
    parts: list[Message]


class Joiner:
    """Puts split messages together. Parts have serials one after the other, so the first one's tells which
    message a part is of."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int, int], dict[int, Message]] = {}

    def add(self, message: Message) -> Joined | list[int] | None:
        """The whole message; or which parts must be sent again, where the terminal shows that it waits: it
        repeats a part or has sent the last; or None while parts are on their way."""
        if message.parts == 1:
            return Joined(message.body, [message])
        first = (message.serial - message.part + 1) & 0xFFFF
        key = message.message_id, first, message.parts
        got = self._open.setdefault(key, {})
        is_waiting = message.part in got or message.part == message.parts
        got[message.part] = message
        missing = [part for part in range(1, message.parts + 1) if part not in got]
        if not missing:
            del self._open[key]
            parts = [got[part] for part in sorted(got)]
            return Joined(b"".join(part.body for part in parts), parts)
        if len(self._open) > SPLIT_MAX:
            del self._open[next(iter(self._open))]
        return missing if is_waiting else None
