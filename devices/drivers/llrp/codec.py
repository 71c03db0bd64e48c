"""What a reader says: LLRP messages a gate needs, from bytes. Pure. (`requests.py` goes the other way.)

Source: EPCglobal Low Level Reader Protocol 1.0.1, section 16 (binary encoding) and 13 (reports and events);
1.1 adds the answers about versions (17.1.2 and 17.1.4) and parameters that are passed over here. Numbers in
the tables are the standard's message and parameter types.
"""

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from devices.drivers.llrp.framing import Frame, FrameRejected, MessageType, UnknownParameter, parameters

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENDED_OR_PREEMPTED: Final = (1, 2)
"""ROSpecEvent (section 13.2.6); 0 is a start."""


class Keepalive(msgspec.Struct, frozen=True):
    """The reader is alive and wants an acknowledgement with the same id."""

    message_id: int


class Capabilities(msgspec.Struct, frozen=True):
    """GeneralDeviceCapabilities. `manufacturer` is an IANA enterprise number (25882 is Impinj).

    `input_count` of general purpose inputs; None when the reader does not say.
    """

    antenna_count_max: int
    has_utc_clock: bool
    manufacturer: int
    model: int
    firmware: str
    input_count: int | None = None


class Versions(msgspec.Struct, frozen=True):
    """Protocol versions as the header's field has them: the one spoken now, and the latest that can be."""

    current: int
    latest: int


class RoSpecState(msgspec.Struct, frozen=True):
    """A reader operation the reader holds: 0 disabled, 1 inactive, 2 active."""

    rospec_id: int
    state: int


class Response(msgspec.Struct, frozen=True):
    """The reader's answer to a request. `status` 0 is success; the rest only where that answer carries it."""

    type: int
    message_id: int
    status: int
    description: str = ""
    capabilities: Capabilities | None = None
    rospecs: tuple[RoSpecState, ...] = ()
    versions: Versions | None = None


class ReaderEvent(msgspec.Struct, frozen=True):
    """READER_EVENT_NOTIFICATION. Fields are None or False when that event is not in it.

    `at` is the reader's time of the event, None when it has no clock. `ended_rospec` is an operation that
    ended or gave way to another; `input` a general purpose input that went high or low.
    """

    at: datetime | None = None
    connection_attempt: int | None = None
    is_closing: bool = False
    has_overflown: bool = False
    exception: str | None = None
    antenna: int | None = None
    antenna_is_connected: bool = False
    input: int | None = None
    input_is_high: bool = False
    ended_rospec: int | None = None


class TagReport(msgspec.Struct, frozen=True):
    """TagReportData as sent. A field left out is None: the standard lets a reader omit what has not changed
    since its last report (section 13.2.3), so the session fills it in.

    `rssi_dbm` is whole dBm; `is_suspect` when an unknown parameter hid the rest; `raw` is the parameter.
    """

    epc_hex: str
    raw: bytes
    antenna: int | None = None
    rssi_dbm: int | None = None
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    seen_count: int | None = None
    skipped_count: int = 0
    is_suspect: bool = False


class TagReports(msgspec.Struct, frozen=True):
    """RO_ACCESS_REPORT: the good reports, and the bad ones as values, so that one cannot spoil the others."""

    reports: tuple[TagReport, ...]
    rejected: tuple[FrameRejected, ...] = ()
    skipped_count: int = 0


class Unknown(msgspec.Struct, frozen=True):
    """A message of a type that no reader sends, or of a maker's own."""

    type: int


Message = Keepalive | Response | ReaderEvent | TagReports | Unknown


def decode(message: Frame) -> Message:
    """What `message` says. Raises FrameRejected (never fatal) when its body breaks the protocol."""
    decoder = _DECODERS.get(message.type)
    return decoder(message) if decoder else Unknown(message.type)


def _decode_keepalive(message: Frame) -> Keepalive:
    return Keepalive(message.message_id)


def _decode_event(message: Frame) -> ReaderEvent:
    data = [p for p in parameters(message.body, "event") if p.type == 246]
    if len(data) != 1:
        raise FrameRejected("event.246", "exactly one ReaderEventNotificationData", message.raw)
    facts: dict[str, Any] = {}
    for parameter in parameters(data[0].body, "event.246"):
        read = _EVENTS.get(parameter.type)
        if read is not None:
            facts |= read(parameter.body)
    return ReaderEvent(**facts)


def _event_time(body: bytes) -> dict[str, Any]:
    if len(body) != 8:
        raise FrameRejected("event.128", f"must have 8 bytes, has {len(body)}", body)
    return {"at": _moment(body, "event.128")}


def _input_event(body: bytes) -> dict[str, Any]:
    number, state = _unpack(">HB", body, "event.248")
    return {"input": number, "input_is_high": bool(state & 0x80)}


def _rospec_event(body: bytes) -> dict[str, Any]:
    kind, rospec_id, _ = _unpack(">BII", body, "event.249")
    return {"ended_rospec": rospec_id} if kind in _ENDED_OR_PREEMPTED else {}


def _antenna_event(body: bytes) -> dict[str, Any]:
    connected, antenna = _unpack(">BH", body, "event.255")
    return {"antenna": antenna, "antenna_is_connected": connected == 1}


def _decode_versions(message: Frame) -> Response:
    """GET_SUPPORTED_VERSION_RESPONSE, the one answer with fields before its LLRPStatus."""
    current, latest = _unpack(">BB", message.body, "versions")
    answer = _decode_response(message._replace(body=message.body[2:]))
    return msgspec.structs.replace(answer, versions=Versions(current, latest))


def _decode_response(message: Frame) -> Response:
    status: tuple[int, str] | None = None
    capabilities: Capabilities | None = None
    rospecs: list[RoSpecState] = []
    for parameter in parameters(message.body, f"response.{message.type}"):
        if parameter.type == 287:
            code = _unpack(">H", parameter.body, "status.code")[0]
            status = code, _text(parameter.body[2:], "status.description")
        elif parameter.type == 137:
            capabilities = _decode_capabilities(parameter.body)
        elif parameter.type == 177:
            rospec_id, _, state = _unpack(">IBB", parameter.body, "rospec")
            rospecs.append(RoSpecState(rospec_id, state))
    if status is None:
        raise FrameRejected(f"response.{message.type}.287", "LLRPStatus is missing", message.raw)
    return Response(message.type, message.message_id, *status, capabilities, tuple(rospecs))


def _decode_capabilities(body: bytes) -> Capabilities:
    antennas, flags, manufacturer, model, length = _unpack(">HHIIH", body, "capabilities")
    firmware = _text(body[12:], "capabilities.firmware")
    inputs: int | None = None
    for parameter in parameters(body[14 + length :], "capabilities"):
        if parameter.type == 141:
            inputs = _unpack(">HH", parameter.body, "capabilities.141")[0]
    return Capabilities(antennas, bool(flags & 0x4000), manufacturer, model, firmware, inputs)


def _decode_reports(message: Frame) -> TagReports:
    reports: list[TagReport] = []
    rejected: list[FrameRejected] = []
    skipped_count = 0
    try:
        for parameter in parameters(message.body, "report"):
            if parameter.type != 240:
                skipped_count += 1
                continue
            try:
                reports.append(_decode_tag(parameter.raw))
            except FrameRejected as error:
                rejected.append(error)
    except FrameRejected as error:
        rejected.append(error)
    return TagReports(tuple(reports), tuple(rejected), skipped_count)


def _decode_tag(raw: bytes) -> TagReport:
    facts: dict[str, Any] = {}
    skipped_count, is_suspect = 0, False
    try:
        for parameter in parameters(raw[4:], "tag"):
            field = _TAG_FIELDS.get(parameter.type)
            if field is None:
                skipped_count += 1
                continue
            name, read = field
            facts[name] = read(parameter.body)
    except UnknownParameter:
        # A vendor's short parameter hides what follows it. The tag was heard all the same.
        skipped_count, is_suspect = skipped_count + 1, True
    except FrameRejected as error:
        raise FrameRejected(error.field, error.rule, raw) from error
    if "epc_hex" not in facts:
        raise FrameRejected("tag.epc", "EPC-96 or EPCData is missing", raw)
    return TagReport(raw=raw, skipped_count=skipped_count, is_suspect=is_suspect, **facts)


def _epc_96(body: bytes) -> str:
    return body.hex().upper()


def _epc_data(body: bytes) -> str:
    (bits,) = _unpack(">H", body, "tag.241")
    size = (bits + 7) // 8
    if not bits or len(body) - 2 < size:
        raise FrameRejected("tag.241", f"{bits} bits of EPC in {len(body) - 2} bytes", body)
    return body[2 : 2 + size].hex().upper()


def _moment(body: bytes, field: str = "tag.timestamp") -> datetime:
    microseconds = int.from_bytes(body, "big")
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError as error:
        raise FrameRejected(field, f"{microseconds} us is past the year 9999", body) from error


def _unsigned(body: bytes) -> int:
    return int.from_bytes(body, "big")


def _signed(body: bytes) -> int:
    return int.from_bytes(body, "big", signed=True)


_TAG_FIELDS: Final[dict[int, tuple[str, Callable[[bytes], object]]]] = {
    13: ("epc_hex", _epc_96),
    241: ("epc_hex", _epc_data),
    1: ("antenna", _unsigned),
    6: ("rssi_dbm", _signed),
    2: ("first_seen_at", _moment),
    4: ("last_seen_at", _moment),
    8: ("seen_count", _unsigned),
}

_EVENTS: Final[dict[int, Callable[[bytes], dict[str, Any]]]] = {
    128: _event_time,
    248: _input_event,
    249: _rospec_event,
    251: lambda _: {"has_overflown": True},
    252: lambda body: {"exception": _text(body, "event.252")},
    255: _antenna_event,
    256: lambda body: {"connection_attempt": _unpack(">H", body, "event.256")[0]},
    257: lambda _: {"is_closing": True},
}

_DECODERS: Final[dict[int, Callable[[Frame], Message]]] = {
    MessageType.KEEPALIVE: _decode_keepalive,
    MessageType.READER_EVENT_NOTIFICATION: _decode_event,
    MessageType.RO_ACCESS_REPORT: _decode_reports,
    MessageType.GET_READER_CAPABILITIES_RESPONSE: _decode_response,
    MessageType.SET_READER_CONFIG_RESPONSE: _decode_response,
    MessageType.CLOSE_CONNECTION_RESPONSE: _decode_response,
    MessageType.ADD_ROSPEC_RESPONSE: _decode_response,
    MessageType.DELETE_ROSPEC_RESPONSE: _decode_response,
    MessageType.START_ROSPEC_RESPONSE: _decode_response,
    MessageType.ENABLE_ROSPEC_RESPONSE: _decode_response,
    MessageType.GET_ROSPECS_RESPONSE: _decode_response,
    MessageType.GET_SUPPORTED_VERSION_RESPONSE: _decode_versions,
    MessageType.SET_PROTOCOL_VERSION_RESPONSE: _decode_response,
    MessageType.ERROR_MESSAGE: _decode_response,
}


def _unpack(layout: str, body: bytes, field: str) -> tuple[int, ...]:
    """The fixed fields at the start of `body`; sub-parameters may follow them."""
    if len(body) < struct.calcsize(layout):
        raise FrameRejected(field, f"must have {struct.calcsize(layout)} bytes, has {len(body)}", body)
    return struct.unpack_from(layout, body)


def _text(body: bytes, field: str) -> str:
    """A counted UTF-8 string. Readers put other code pages in it, so bad bytes are shown, not refused."""
    (size,) = _unpack(">H", body, field)
    if len(body) - 2 < size:
        raise FrameRejected(field, f"must have {size} bytes of text, has {len(body) - 2}", body)
    return body[2 : 2 + size].decode(errors="backslashreplace")
