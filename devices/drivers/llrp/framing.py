"""LLRP framing: a byte stream into messages, a message body into parameters, and back.

Source: EPCglobal Low Level Reader Protocol 1.0.1, sections 16.1 (messages) and 16.2 (parameters); in 1.1 they
are 17.1 and 17.2, with the same layout but for the version field. All integers are big endian. A message is
three reserved bits, three bits of version, ten bits of type, then a 32-bit length that counts the ten header
bytes, then a 32-bit id. A parameter is either TLV (six reserved bits, ten bits of type, a 16-bit length that
counts its own four header bytes) or TV (a set bit, seven bits of type, a size the standard fixes per type).
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

VERSION_1_0_1: Final = 1
"""In the header's version field. Every connection begins with it, also to a reader of 1.1."""
VERSION_1_1: Final = 2
"""What client and reader may agree on for the rest of a connection."""

HEADER_BYTES: Final = 10
FRAME_BYTES_MAX: Final = 1 << 22
"""No reader sends a message above 4 MiB (some 70,000 tags): a larger length means that it is not LLRP."""

RAW_BYTES_MAX: Final = 4_096
"""At most so many bytes of a malformed frame are kept for quarantine."""

_HEADER: Final = struct.Struct(">HII")
_TLV_HEADER: Final = struct.Struct(">HH")

_TV_BODY_BYTES: Final = {
    1: 2,  # AntennaID
    2: 8,  # FirstSeenTimestampUTC
    3: 8,  # FirstSeenTimestampUptime
    4: 8,  # LastSeenTimestampUTC
    5: 8,  # LastSeenTimestampUptime
    6: 1,  # PeakRSSI
    7: 2,  # ChannelIndex
    8: 2,  # TagSeenCount
    9: 4,  # ROSpecID
    10: 2,  # InventoryParameterSpecID
    11: 2,  # C1G2-CRC
    12: 2,  # C1G2-PC
    13: 12,  # EPC-96
    14: 2,  # SpecIndex
    15: 2,  # ClientRequestOpSpecResult
    16: 4,  # AccessSpecID
    17: 2,  # OpSpecID
    18: 4,  # C1G2SingulationDetails
    19: 2,  # C1G2-XPCW1
    20: 2,  # C1G2-XPCW2
}


class MessageType(IntEnum):
    """Messages between a client and a reader that this driver sends or understands."""

    GET_READER_CAPABILITIES = 1
    SET_READER_CONFIG = 3
    CLOSE_CONNECTION_RESPONSE = 4
    GET_READER_CAPABILITIES_RESPONSE = 11
    SET_READER_CONFIG_RESPONSE = 13
    CLOSE_CONNECTION = 14
    ADD_ROSPEC = 20
    DELETE_ROSPEC = 21
    START_ROSPEC = 22
    ENABLE_ROSPEC = 24
    GET_ROSPECS = 26
    ADD_ROSPEC_RESPONSE = 30
    DELETE_ROSPEC_RESPONSE = 31
    START_ROSPEC_RESPONSE = 32
    ENABLE_ROSPEC_RESPONSE = 34
    GET_ROSPECS_RESPONSE = 36
    GET_SUPPORTED_VERSION = 46
    SET_PROTOCOL_VERSION = 47
    GET_SUPPORTED_VERSION_RESPONSE = 56
    SET_PROTOCOL_VERSION_RESPONSE = 57
    RO_ACCESS_REPORT = 61
    KEEPALIVE = 62
    READER_EVENT_NOTIFICATION = 63
    ENABLE_EVENTS_AND_REPORTS = 64
    KEEPALIVE_ACK = 72
    ERROR_MESSAGE = 100
    CUSTOM_MESSAGE = 1023


class FrameRejected(Exception):
    """Bytes that break the protocol: which `field`, by which `rule`, and the bytes (at most 4,096 of them).

    `is_fatal` means that the boundary of the next message is unknown, so the connection cannot go on.
    """

    def __init__(self, field: str, rule: str, raw: bytes, *, is_fatal: bool = False) -> None:
        self.field = field
        self.rule = rule
        self.raw = bytes(raw[:RAW_BYTES_MAX])
        self.is_fatal = is_fatal
        super().__init__(f"{field}: {rule}")


class UnknownParameter(FrameRejected):
    """A TV parameter of a type without a known size: what follows it in the same parameter is unreadable."""


class Frame(NamedTuple):
    """One whole message. `raw` is header and body as received."""

    type: int
    message_id: int
    body: bytes
    raw: bytes
    version: int = VERSION_1_0_1


class Parameter(NamedTuple):
    """One TLV or TV parameter; `raw` includes its header, `body` does not."""

    type: int
    body: bytes
    raw: bytes


def frame(message_type: int, message_id: int, body: bytes = b"", *, version: int = VERSION_1_0_1) -> bytes:
    """A message of `message_type` (0-1023) with a 32-bit `message_id`."""
    return _HEADER.pack(version << 10 | message_type, HEADER_BYTES + len(body), message_id) + body


def with_version(message: bytes, version: int) -> bytes:
    """A message as another version frames it: what we send differs in the header's version field alone."""
    word, length, message_id = _HEADER.unpack_from(message)
    return _HEADER.pack(version << 10 | word & 0x3FF, length, message_id) + message[HEADER_BYTES:]


def tlv(parameter_type: int, *parts: bytes) -> bytes:
    """A TLV parameter of `parameter_type` (128-1023) around its fields and sub-parameters."""
    body = b"".join(parts)
    return _TLV_HEADER.pack(parameter_type, 4 + len(body)) + body


class FrameSplitter:
    """Cuts a TCP stream into messages. Any segmentation of the same bytes gives the same messages.

    A bad message comes back as a value among the good ones, in order. After a fatal one `is_lost` is True
    and nothing more comes out: the caller must drop the connection.
    """

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._buffer = bytearray()
        self._frame_bytes_max = frame_bytes_max
        self.is_lost = False

    def feed(self, data: bytes) -> list[Frame | FrameRejected]:
        """Take in `data` (any length) and return every message that is now complete."""
        messages: list[Frame | FrameRejected] = []
        if self.is_lost:
            return messages
        self._buffer += data
        while (message := self._take()) is not None:
            messages.append(message)
        return messages

    def _take(self) -> Frame | FrameRejected | None:
        if self.is_lost or len(self._buffer) < HEADER_BYTES:
            return None
        word, length, message_id = _HEADER.unpack_from(self._buffer)
        if not HEADER_BYTES <= length <= self._frame_bytes_max:
            return self._lose(f"must be {HEADER_BYTES} to {self._frame_bytes_max}, is {length}")
        if len(self._buffer) < length:
            return None
        raw = bytes(self._buffer[:length])
        del self._buffer[:length]
        if word >> 13:
            return FrameRejected("header.reserved", "the first three bits must be 0", raw)
        version = word >> 10
        if version not in (VERSION_1_0_1, VERSION_1_1):
            return FrameRejected("header.version", f"must be 1 (1.0.1) or 2 (1.1), is {version}", raw)
        return Frame(word & 0x3FF, message_id, raw[HEADER_BYTES:], raw, version)

    def _lose(self, rule: str) -> FrameRejected:
        rejected = FrameRejected("header.length", rule, bytes(self._buffer), is_fatal=True)
        self.is_lost = True
        self._buffer.clear()
        return rejected


def parameters(body: bytes, within: str) -> Iterator[Parameter]:
    """The parameters that fill `body`, in order; `within` names the enclosing message or parameter.

    Lazy, so what stands before a malformed parameter is still delivered. Raises FrameRejected with the
    bytes from the bad parameter on, UnknownParameter for a TV type the standard does not list.
    """
    offset = 0
    while offset < len(body):
        parameter = _tv_at(body, offset, within) if body[offset] & 0x80 else _tlv_at(body, offset, within)
        offset += len(parameter.raw)
        yield parameter


def _tv_at(body: bytes, offset: int, within: str) -> Parameter:
    parameter_type = body[offset] & 0x7F
    size = _TV_BODY_BYTES.get(parameter_type)
    if size is None:
        raise UnknownParameter(f"{within}.{parameter_type}", "TV parameter of unknown size", body[offset:])
    raw = body[offset : offset + 1 + size]
    if len(raw) < 1 + size:
        raise FrameRejected(f"{within}.{parameter_type}", f"must have {size} bytes of value", body[offset:])
    return Parameter(parameter_type, raw[1:], raw)


def _tlv_at(body: bytes, offset: int, within: str) -> Parameter:
    rest = len(body) - offset
    if rest < _TLV_HEADER.size:
        raise FrameRejected(within, f"{rest} stray bytes at the end", body[offset:])
    parameter_type, length = _TLV_HEADER.unpack_from(body, offset)
    field = f"{within}.{parameter_type & 0x3FF}"
    if parameter_type >> 10:
        raise FrameRejected(field, "the first six bits of a TLV parameter must be 0", body[offset:])
    if not _TLV_HEADER.size <= length <= rest:
        raise FrameRejected(f"{field}.length", f"must be 4 to {rest}, is {length}", body[offset:])
    raw = body[offset : offset + length]
    return Parameter(parameter_type, raw[_TLV_HEADER.size :], raw)
