"""LLRP 1.0.1 and 1.1 as a reader sees it: requests parsed from bytes, reports and events built into bytes.

Written from the standard (EPCglobal LLRP 1.0.1, section 16, and 1.1, section 17) and apart from the product's
own codec, so that a misreading of the standard cannot cancel itself out. A reader refuses what is out of
place: a request that does not have exactly the layout of the standard is answered with the matching
LLRPStatus code.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

MESSAGE_BYTES_MAX: Final = 65_536
"""A reader has little memory: a longer request ends the connection."""

STATUS_SUCCESS: Final = 0
STATUS_PARAMETER_ERROR: Final = 100
STATUS_FIELD_ERROR: Final = 101
STATUS_MISSING_PARAMETER: Final = 103
STATUS_UNSUPPORTED_MESSAGE: Final = 109
STATUS_UNSUPPORTED_VERSION: Final = 110
STATUS_UNEXPECTED_MESSAGE: Final = 112

VERSION_1_0_1, VERSION_1_1 = 1, 2

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class BadRequest(Exception):
    """The client broke the protocol; `status` is the LLRPStatus code to answer with."""

    def __init__(self, status: int, description: str) -> None:
        self.status = status
        super().__init__(description)


class Cursor:
    """Reads big-endian fields off the front of some bytes; BadRequest when they run out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise BadRequest(STATUS_PARAMETER_ERROR, f"{count} bytes wanted at offset {self._at}")
        piece = self._data[self._at : self._at + count]
        self._at += count
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def finish(self) -> None:
        if self:
            raise BadRequest(STATUS_FIELD_ERROR, f"{len(self._data) - self._at} bytes too many")

    def expect(self, parameter_type: int) -> "Cursor":
        """The inside of the next parameter, which must be a TLV of `parameter_type`."""
        if not self:
            raise BadRequest(STATUS_MISSING_PARAMETER, f"parameter {parameter_type} is missing")
        found, inside = self.parameter()
        if found != parameter_type:
            raise BadRequest(STATUS_PARAMETER_ERROR, f"parameter {parameter_type} expected, {found} found")
        return inside

    def parameter(self) -> tuple[int, "Cursor"]:
        """Type and inside of the next TLV; a client has no reason to send TVs in what this reader accepts."""
        kind = self.number(2)
        if kind >> 10:
            raise BadRequest(STATUS_PARAMETER_ERROR, f"0x{kind:04X} does not begin a TLV parameter")
        return kind, Cursor(self.take(self.number(2) - 4))


@dataclass(frozen=True)
class Request:
    """One message from the client."""

    version: int
    kind: int
    number: int
    body: bytes


class RequestBuffer:
    """Collects a client's bytes until whole requests are there."""

    def __init__(self) -> None:
        self._held = b""

    def add(self, data: bytes) -> list[Request]:
        """Every request completed by `data`. Raises BadRequest when the stream cannot be LLRP."""
        self._held += data
        requests = []
        while len(self._held) >= 10:
            size = int.from_bytes(self._held[2:6], "big")
            if not 10 <= size <= MESSAGE_BYTES_MAX:
                raise BadRequest(STATUS_FIELD_ERROR, f"message length {size}")
            if len(self._held) < size:
                break
            cursor = Cursor(self._held[:size])
            self._held = self._held[size:]
            first = cursor.number(2)
            cursor.take(4)
            requests.append(Request(first >> 10, first & 1023, cursor.number(4), cursor.rest()))
        return requests


# --- what the client asks ------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """A ROSpec as far as this reader acts on it; `encoded` is its inside, given back on GET_ROSPECS."""

    number: int
    antennas: frozenset[int]
    report_each: int
    with_fields: int
    encoded: bytes


@dataclass(frozen=True)
class Settings:
    """What SET_READER_CONFIG changes; None leaves a setting as it is."""

    keepalive_ms: int | None
    holds_upon_reconnect: bool | None
    events: frozenset[int] | None
    inputs: frozenset[int]
    """Those that are switched on; inputs that are not named stay as they are."""


def read_operation(body: bytes) -> Operation:
    """The ROSpec of an ADD_ROSPEC. It must be disabled, without start or stop trigger, over C1G2 tags."""
    message = Cursor(body)
    encoded = Cursor(body[4:]).rest()
    spec = message.expect(177)
    message.finish()
    number, _priority, state = spec.number(4), spec.number(1), spec.number(1)
    if number == 0 or state != 0:
        raise BadRequest(STATUS_FIELD_ERROR, "a new ROSpec has an id above 0 and is disabled")
    _read_boundary(spec.expect(178))
    antennas = _read_antenna_inventory(spec.expect(183))
    report_each, fields = _read_report_wish(spec.expect(237))
    spec.finish()
    return Operation(number, antennas, report_each, fields, encoded)


def _read_boundary(boundary: Cursor) -> None:
    start = boundary.expect(179)
    if start.number(1) != 0:
        raise BadRequest(STATUS_FIELD_ERROR, "this reader starts on START_ROSPEC only")
    start.finish()
    stop = boundary.expect(182)
    if stop.number(1) != 0 or stop.number(4) != 0:
        raise BadRequest(STATUS_FIELD_ERROR, "this reader stops on STOP_ROSPEC only")
    stop.finish()
    boundary.finish()


def _read_antenna_inventory(spec: Cursor) -> frozenset[int]:
    antennas = [spec.number(2) for _ in range(spec.number(2))]
    stop = spec.expect(184)
    if stop.number(1) != 0 or stop.number(4) != 0:
        raise BadRequest(STATUS_FIELD_ERROR, "an antenna operation without stop trigger expected")
    stop.finish()
    inventory = spec.expect(186)
    if inventory.number(2) == 0 or inventory.number(1) != 1:
        raise BadRequest(STATUS_FIELD_ERROR, "inventory id above 0 and protocol EPCGlobalClass1Gen2 expected")
    while inventory:
        configuration = inventory.expect(222)
        if configuration.number(2) not in {0, *antennas}:
            raise BadRequest(STATUS_FIELD_ERROR, "configuration of an antenna that is not used")
        _read_gen2(configuration.expect(330))
        configuration.finish()
    spec.finish()
    return frozenset(antennas)


def _read_gen2(inventory: Cursor) -> None:
    """C1G2InventoryCommand: one bit and seven reserved ones, then singulation control."""
    if inventory.number(1) & 0x7F:
        raise BadRequest(STATUS_FIELD_ERROR, "reserved bits of C1G2InventoryCommand")
    singulation = inventory.expect(336)
    if singulation.number(1) & 0x3F:
        raise BadRequest(STATUS_FIELD_ERROR, "reserved bits of C1G2SingulationControl")
    singulation.take(2 + 4)
    singulation.finish()
    inventory.finish()


def _read_report_wish(wish: Cursor) -> tuple[int, int]:
    trigger, each = wish.number(1), wish.number(2)
    if trigger not in (1, 2) or each == 0:
        raise BadRequest(STATUS_FIELD_ERROR, "this reader reports each N tags, N above 0")
    selector = wish.expect(238)
    fields = selector.number(2)
    if fields & 0x3F:
        raise BadRequest(STATUS_FIELD_ERROR, "reserved bits of TagReportContentSelector")
    selector.finish()
    wish.finish()
    return each, fields


def read_settings(body: bytes) -> Settings:
    """SET_READER_CONFIG: one byte, then parameters in any number; those not simulated are read over."""
    message = Cursor(body)
    if message.number(1) & 0x7F:
        raise BadRequest(STATUS_FIELD_ERROR, "reserved bits of SET_READER_CONFIG")
    keepalive_ms, holds, events = None, None, None
    inputs = set()
    while message:
        kind, inside = message.parameter()
        if kind == 220:
            is_periodic, period_ms = inside.number(1) == 1, inside.number(4)
            keepalive_ms = period_ms if is_periodic else 0
        elif kind == 226:
            holds = inside.number(1) == 0x80
        elif kind == 244:
            events = _read_events(inside)
        elif kind == 225:
            number, is_on = inside.number(2), inside.number(1)
            if number == 0 or is_on not in (0, 0x80) or inside.number(1) > 2:
                raise BadRequest(STATUS_FIELD_ERROR, "GPIPortCurrentState")
            inside.finish()
            inputs |= {number} if is_on else set()
    return Settings(keepalive_ms, holds, events, frozenset(inputs))


def _read_events(inside: Cursor) -> frozenset[int]:
    wanted = set()
    while inside:
        state = inside.expect(245)
        event, is_on = state.number(2), state.number(1)
        state.finish()
        if event > 8 or is_on not in (0, 0x80):
            raise BadRequest(STATUS_FIELD_ERROR, f"event type {event} with state 0x{is_on:02X}")
        if is_on:
            wanted.add(event)
    return frozenset(wanted)


# --- what the reader says ------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """One tag in the field, as an antenna heard it. `rssi_cdbm` is hundredths of dBm."""

    epc_hex: str
    antenna: int
    rssi_cdbm: int
    at: datetime
    count: int = 1


def message(kind: int, number: int, *parts: bytes, version: int = VERSION_1_0_1) -> bytes:
    """A message, of 1.0.1 unless another version was agreed on."""
    body = b"".join(parts)
    return (
        (version << 10 | kind).to_bytes(2, "big")
        + (10 + len(body)).to_bytes(4, "big")
        + number.to_bytes(4, "big")
        + body
    )


def parameter(kind: int, *parts: bytes) -> bytes:
    """A TLV parameter."""
    body = b"".join(parts)
    return kind.to_bytes(2, "big") + (4 + len(body)).to_bytes(2, "big") + body


def status(code: int, description: str = "") -> bytes:
    """LLRPStatus."""
    text = description.encode()
    return parameter(287, code.to_bytes(2, "big"), len(text).to_bytes(2, "big"), text)


def event(
    number: int,
    at: datetime,
    *events: bytes,
    version: int = VERSION_1_0_1,
    has_utc_clock: bool = True,
) -> bytes:
    """READER_EVENT_NOTIFICATION at a UTC time; a reader without clock tells the same number as its uptime."""
    stamp = parameter(128 if has_utc_clock else 129, _microseconds(at))
    return message(63, number, parameter(246, stamp, *events), version=version)


def connection_attempt(code: int) -> bytes:
    """ConnectionAttemptEvent: 0 success, 2 another client is connected, 4 another client knocked."""
    return parameter(256, code.to_bytes(2, "big"))


def buffer_overflow() -> bytes:
    """ReportBufferOverflowErrorEvent."""
    return parameter(251)


def antenna_event(antenna: int, *, is_connected: bool) -> bytes:
    """AntennaEvent."""
    return parameter(255, bytes([is_connected]), antenna.to_bytes(2, "big"))


def input_event(number: int, *, is_high: bool) -> bytes:
    """GPIEvent."""
    return parameter(248, number.to_bytes(2, "big"), bytes([0x80 if is_high else 0]))


def operation_ended(number: int) -> bytes:
    """ROSpecEvent: the end of an operation, by no other."""
    return parameter(249, b"\x01", number.to_bytes(4, "big"), bytes(4))


def versions(current: int, latest: int) -> bytes:
    """The fields of GET_SUPPORTED_VERSION_RESPONSE, which stand before its LLRPStatus."""
    return bytes([current, latest])


def capabilities(
    antenna_count: int, input_count: int, *, has_utc_clock: bool, version: int = VERSION_1_0_1
) -> bytes:
    """GeneralDeviceCapabilities of a made-up reader, with the parts the standard demands."""
    flags = 0x4000 if has_utc_clock else 0
    firmware = b"simulated 1.0"
    sensitivity = parameter(139, (1).to_bytes(2, "big"), (0).to_bytes(2, "big"))
    ports = parameter(141, input_count.to_bytes(2, "big"), (0).to_bytes(2, "big"))
    # Only 1.1 knows MaximumReceiveSensitivity, in dBm.
    best = [parameter(363, (-84).to_bytes(2, "big", signed=True))] if version == VERSION_1_1 else []
    protocols = [
        parameter(140, antenna.to_bytes(2, "big"), (1).to_bytes(2, "big"), b"\x01")
        for antenna in range(1, antenna_count + 1)
    ]
    return parameter(
        137,
        antenna_count.to_bytes(2, "big"),
        flags.to_bytes(2, "big"),
        (0).to_bytes(4, "big") * 2,
        len(firmware).to_bytes(2, "big"),
        firmware,
        sensitivity,
        ports,
        *protocols,
        *best,
    )


def tag_report(heard: Heard, fields: int, operation: int, *, has_utc_clock: bool) -> bytes:
    """TagReportData with the fields the client selected (bits of TagReportContentSelector)."""
    bits = len(heard.epc_hex) * 4
    epc = bytes.fromhex(heard.epc_hex)
    parts = [b"\x8d" + epc if bits == 96 else parameter(241, bits.to_bytes(2, "big"), epc)]
    if fields & 0x8000:
        parts.append(b"\x89" + operation.to_bytes(4, "big"))
    if fields & 0x1000:
        parts.append(b"\x81" + heard.antenna.to_bytes(2, "big"))
    if fields & 0x0400:
        decibels = max(-128, min(127, round(heard.rssi_cdbm / 100)))
        parts.append(b"\x86" + decibels.to_bytes(1, "big", signed=True))
    # A reader without a clock counts from its start; nobody can turn that into a time of day.
    first, last = (b"\x82", b"\x84") if has_utc_clock else (b"\x83", b"\x85")
    if fields & 0x0200:
        parts.append(first + _microseconds(heard.at))
    if fields & 0x0100:
        parts.append(last + _microseconds(heard.at))
    if fields & 0x0080:
        parts.append(b"\x88" + min(heard.count, 0xFFFF).to_bytes(2, "big"))
    return parameter(240, *parts)


def _microseconds(at: datetime) -> bytes:
    return ((at - _EPOCH) // _MICROSECOND).to_bytes(8, "big")
