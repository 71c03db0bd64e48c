"""What a Zebra reader says over MQTT: JSON of its IoT Connector to observations and rejections. Pure.

Source: Zebra IoT Connector, tag data events and management events of the FX and FXR readers, and `dataEVT` of
the handheld RFD40 and RFD90. On `vendor/tags` an event, or a list of them where batching is on:
`{"type":"INVENTORY","timestamp":"2026-09-07T12:50:55.513+0000","data":{"eventNum":5059,"format":"epc",
"idHex":"e280…","antenna":1,"peakRssi":-37,"reads":1}}`. `type` is the operating mode; which members `data`
has depends on it and on the mode's `tagMetaData`. A handheld puts records into `data.tagData`:
`{"EPC":"E200…","eventNum":1,"peakRssi":-52,"seenCount":14}`. On `vendor/events` what the reader says of
itself: `heartbeat`, `gpi`, `error` and others.

`eventNum` counts the tag events of a reader, through changes of mode, and begins anew with the reader: it
numbers nothing for us, but a hole in it is a loss (`devices.ingest.event_counts`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

import msgspec

from devices.transport.decoding import Arrived, FieldRejected
from devices.transport.makers import Gateway, hexadecimal, json_parts, wrong_json, zoned
from kernel.messages import AnyReading, BeamState, DeviceStatus, Observation, Rejected, TagRead

MESSAGE_BYTES_MAX: Final = 262_144
EVENTS_MAX: Final = 500
READINGS_PER_S_MAX: Final = 2_000
"""Of one reader; the air interface gives about 1,100 tags in a second."""
REASON_LENGTH_MAX: Final = 200
TAGS_CHANNEL: Final = "vendor/tags"
EVENTS_CHANNEL: Final = "vendor/events"
ANTENNAS: Final = (1, 2)
HANDHELD_ANTENNA: Final = 1
"""A handheld has one, and does not say so."""


class _Envelope(msgspec.Struct, frozen=True):
    type: str
    timestamp: datetime
    data: msgspec.Raw


class _Tag(msgspec.Struct, frozen=True, rename="camel"):
    event_num: int
    id_hex: str
    format: Literal["epc"] = "epc"
    antenna: int | None = None
    peak_rssi: float | None = None
    reads: int = 1
    tid: str | None = msgspec.field(default=None, name="TID")


class _Batch(msgspec.Struct, frozen=True, rename="camel"):
    tag_data: list[msgspec.Raw] | None = None


class _HandheldTag(msgspec.Struct, frozen=True, rename="camel"):
    event_num: int
    epc: str | None = msgspec.field(default=None, name="EPC")
    epc_id: str | None = msgspec.field(default=None, name="EPCid")
    peak_rssi: float | None = None
    seen_count: int = 1
    tid: str | None = msgspec.field(default=None, name="TID")


class _Radio(msgspec.Struct, frozen=True, rename="camel"):
    antennas: Mapping[str, str] = {}
    radio_activity: str = "active"
    radio_connection: str = "connected"


class _Heartbeat(msgspec.Struct, frozen=True):
    radio_control: _Radio = _Radio()


class _Input(msgspec.Struct, frozen=True):
    pin: int
    state: Literal["HIGH", "LOW"]


class _Trouble(msgspec.Struct, frozen=True):
    message: str = ""


T = TypeVar("T")
Settings = Mapping[str, Any]


def decode(arrived: Arrived, nodes: Mapping[str, str]) -> list[Observation | Rejected]:
    """Every tag and statement of a message, in its order. What is wrong costs only itself."""
    gateway, payload = Gateway(arrived, nodes), arrived.payload
    try:
        if arrived.channel not in (TAGS_CHANNEL, EVENTS_CHANNEL):
            raise FieldRejected("channel", f"{TAGS_CHANNEL} or {EVENTS_CHANNEL}")
        if len(payload) > MESSAGE_BYTES_MAX:
            raise FieldRejected("message", f"at most {MESSAGE_BYTES_MAX} bytes")
        parts = _bounded("message", json_parts(payload))
    except FieldRejected as error:
        return [gateway.rejected(error, payload)]
    return [item for part in parts for item in _decode_event(gateway, arrived, part)]


def _decode_event(gateway: Gateway, arrived: Arrived, raw: bytes) -> list[Observation | Rejected]:
    try:
        event = _parsed(_Envelope, raw, "event")
        zoned("timestamp", event.timestamp)
        if arrived.channel == TAGS_CHANNEL:
            read, records = _records(bytes(event.data))
        else:
            read, records = _statement(event.type), [bytes(event.data)]
    except FieldRejected as error:
        return [gateway.rejected(error, raw)]
    items: list[Observation | Rejected] = []
    for record in records:
        try:
            reading = read(record, arrived.settings)
        except FieldRejected as error:
            items.append(gateway.rejected(error, raw if len(records) == 1 else record))
            continue
        if reading is not None:
            items.append(
                gateway.observation(arrived.device_id, event.timestamp, reading, known_by=record, raw=raw)
            )
    return items


def _parsed(form: type[T], raw: bytes, field: str) -> T:
    """`raw` in its form. What is wrong is named below `field`, which is empty for the event itself."""
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        wrong = wrong_json(error, field)
        is_below = isinstance(error, msgspec.ValidationError) and field == "data" and wrong.field != field
        raise FieldRejected(f"{field}.{wrong.field}" if is_below else wrong.field, wrong.rule) from None


def _bounded(field: str, parts: list[T]) -> list[T]:
    if not 0 < len(parts) <= EVENTS_MAX:
        raise FieldRejected(field, f"1 to {EVENTS_MAX} events")
    return parts


# --- tags -----------------------------------------------------------------------------------------

Read = Callable[[bytes, Settings], AnyReading | None]


def _records(data: bytes) -> tuple[Read, list[bytes]]:
    """The tags of an event, and who reads them: a fixed reader tells one or a list, a handheld a batch."""
    if data.startswith(b"["):
        return _fixed, _bounded("data", json_parts(data))
    batch = _parsed(_Batch, data, "data").tag_data
    if batch is None:
        return _fixed, [data]
    return _handheld, _bounded("data.tagData", [bytes(record) for record in batch])


def _fixed(record: bytes, _: Settings) -> TagRead:
    tag = _parsed(_Tag, record, "data")
    return TagRead(
        epc_hex=hexadecimal("data.idHex", tag.id_hex),
        antenna=_given("data.antenna", tag.antenna),
        rssi_cdbm=_rssi_cdbm(tag.peak_rssi),
        seen_count=tag.reads,
        tid_hex=_tid_hex(tag.tid),
        event_number=tag.event_num,
    )


def _handheld(record: bytes, _: Settings) -> TagRead:
    tag = _parsed(_HandheldTag, record, "data")
    return TagRead(
        epc_hex=hexadecimal("data.EPC", _given("data.EPC", tag.epc or tag.epc_id)),
        antenna=HANDHELD_ANTENNA,
        rssi_cdbm=_rssi_cdbm(tag.peak_rssi),
        seen_count=tag.seen_count,
        tid_hex=_tid_hex(tag.tid),
        event_number=tag.event_num,
    )


def _rssi_cdbm(dbm: float | None) -> int:
    found = _given("data.peakRssi", dbm)
    if not -150 <= found <= 30:
        raise FieldRejected("data.peakRssi", "-150 to 30 dBm")
    return round(found * 100)


def _tid_hex(text: str | None) -> str:
    """Where the reader could not read the chip's memory, it says so in words in its place."""
    try:
        return hexadecimal("data.TID", text or "")
    except FieldRejected:
        return ""


def _given(field: str, value: T | None) -> T:
    if value is None:
        raise FieldRejected(field, "given; the mode's tagMetaData says which members the reader sends")
    return value


# --- what the reader says of itself ---------------------------------------------------------------


def _statement(kind: str) -> Read:
    read = _STATEMENTS.get(kind)
    if read is None:
        raise FieldRejected("type", f"one of {', '.join(_STATEMENTS)}")
    return read


def _heartbeat(data: bytes, settings: Settings) -> DeviceStatus:
    """A reader that is there but does not listen must not look alive."""
    radio = _parsed(_Heartbeat, data, "data").radio_control
    if radio.radio_connection != "connected":
        return DeviceStatus(state="fault", reason=f"radio {radio.radio_connection}"[:REASON_LENGTH_MAX])
    if radio.radio_activity != "active":
        return DeviceStatus(state="fault", reason=f"inventory {radio.radio_activity}"[:REASON_LENGTH_MAX])
    lost = [
        antenna
        for antenna in settings.get("antennas", ANTENNAS)
        if radio.antennas.get(str(antenna), "connected") != "connected"
    ]
    if lost:
        return DeviceStatus(state="fault", reason=f"antenna {', '.join(map(str, lost))} disconnected")
    return DeviceStatus(state="online")


def _input(data: bytes, settings: Settings) -> BeamState | None:
    """A light beam; an input that no beam is wired to is none of ours."""
    changed = _parsed(_Input, data, "data")
    if changed.pin not in settings.get("beam_inputs", ()):
        return None
    is_broken = (changed.state == "HIGH") == settings.get("beam_broken_is_high", True)
    return BeamState(beam=changed.pin, is_broken=is_broken)


def _trouble(data: bytes, _: Settings) -> DeviceStatus:
    message = _parsed(_Trouble, data, "data").message
    return DeviceStatus(state="fault", reason=message[:REASON_LENGTH_MAX] or "the reader reports an error")


def _nothing(_data: bytes, _: Settings) -> None:
    return None


_STATEMENTS: Final[Mapping[str, Read]] = {
    "heartbeat": _heartbeat,
    "gpi": _input,
    "error": _trouble,
    "warning": _nothing,
    "gpo": _nothing,
    "firmwareUpdateProgress": _nothing,
    "userapp": _nothing,
}
"""Event types of the management interface (IoT Connector, management events)."""
