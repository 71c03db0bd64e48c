"""What an Impinj reader says over MQTT: JSON of its IoT device interface, to observations. Pure.

Source: Impinj Reader Configuration REST API 1.7, schema ReaderEvent. On `vendor/events` an event, or a list
of them: `{"timestamp":"2022-06-13T14:01:02.123Z","hostname":"impinj-01-23-45","eventType":"tagInventory",
"tagInventoryEvent":{"epc":"ftqQOAUQAnEAAsCu","epcHex":"7EDA…","tidHex":"E280…","antennaPort":1,
"peakRssiCdbm":-6250,"lastSeenTime":"…",…}}`; `eventType` says which member holds the event. `timestamp` is
when the event was queued, `lastSeenTime` when the tag was heard. Which members an event has is up to the
reader's configuration. On `vendor/status` the texts that it sends when it connects and is gone (last will).

The reader numbers nothing. What its buffer could not hold it says itself, in an overflow event.
"""

import base64
import binascii
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
EVENTS_CHANNEL: Final = "vendor/events"
STATUS_CHANNEL: Final = "vendor/status"
STATUS_TEXTS: Final[Mapping[bytes, Literal["online", "offline"]]] = {
    b"connected": "online",
    b"disconnected": "offline",
    b"connection lost": "offline",
}
"""The reader's own defaults, and a word for its goodbye, for which it has none."""


class _Tag(msgspec.Struct, frozen=True, rename="camel"):
    epc: str | None = None
    epc_hex: str | None = None
    tid: str | None = None
    tid_hex: str | None = None
    antenna_port: int | None = None
    peak_rssi_cdbm: int | None = None
    last_seen_time: datetime | None = None


class _Antenna(msgspec.Struct, frozen=True, rename="camel"):
    antenna_port: int


class _Inventory(msgspec.Struct, frozen=True, rename="camel"):
    status: Literal["idle", "running", "armed"]


class _Overflow(msgspec.Struct, frozen=True, rename="camel"):
    first_event_timestamp: datetime
    last_event_timestamp: datetime
    events_purged: int


class _Input(msgspec.Struct, frozen=True, rename="camel"):
    gpi: int
    transition: Literal["high-to-low", "low-to-high"]


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    timestamp: datetime
    event_type: str
    tag_inventory_event: _Tag | None = None
    antenna_connected_event: _Antenna | None = None
    antenna_disconnected_event: _Antenna | None = None
    inventory_status_event: _Inventory | None = None
    overflow_event: _Overflow | None = None
    gpi_transition_event: _Input | None = None


_event = msgspec.json.Decoder(_Event)


def decode(arrived: Arrived, nodes: Mapping[str, str]) -> list[Observation | Rejected]:
    """Every event of a message, in its order. A wrong event costs only itself."""
    gateway, payload = Gateway(arrived, nodes), arrived.payload
    try:
        if arrived.channel == STATUS_CHANNEL:
            return [_decode_status(gateway, arrived)]
        if arrived.channel != EVENTS_CHANNEL:
            raise FieldRejected("channel", f"{EVENTS_CHANNEL} or {STATUS_CHANNEL}")
        if len(payload) > MESSAGE_BYTES_MAX:
            raise FieldRejected("message", f"at most {MESSAGE_BYTES_MAX} bytes")
        parts = json_parts(payload)
        if not 0 < len(parts) <= EVENTS_MAX:
            raise FieldRejected("message", f"1 to {EVENTS_MAX} events")
    except FieldRejected as error:
        return [gateway.rejected(error, payload)]
    items = [_decode_one(gateway, arrived, part) for part in parts]
    return [item for item in items if item is not None]


def _decode_status(gateway: Gateway, arrived: Arrived) -> Observation:
    """The text has no time of its own: the broker sends the last will when it misses the reader."""
    state = STATUS_TEXTS.get(arrived.payload.strip())
    if state is None:
        known = ", ".join(text.decode() for text in STATUS_TEXTS)
        raise FieldRejected("status", f"one of {known}")
    said = gateway.observation(
        arrived.device_id,
        arrived.received_at,
        DeviceStatus(state=state, reason="" if state == "online" else "the reader left the broker"),
        known_by=arrived.payload,
        raw=arrived.payload,
    )
    return msgspec.structs.replace(said, quality="suspect")


def _decode_one(gateway: Gateway, arrived: Arrived, raw: bytes) -> Observation | Rejected | None:
    """None for an event that tells nothing we use."""
    try:
        event = _event.decode(raw)
        read = _READ.get(event.event_type)
        if read is None:
            raise FieldRejected("eventType", f"one of {', '.join(_READ)}")
        zoned("timestamp", event.timestamp)
        found = read(event, arrived.settings)
    except FieldRejected as error:
        return gateway.rejected(error, raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return gateway.rejected(wrong_json(error, "event"), raw)
    if found is None:
        return None
    observed_at, reading = found
    return gateway.observation(arrived.device_id, observed_at, reading, known_by=raw, raw=raw)


# --- the kinds of events --------------------------------------------------------------------------

Found = tuple[datetime, AnyReading]
Settings = Mapping[str, Any]
T = TypeVar("T")


def _tag(event: _Event, _: Settings) -> Found:
    tag = _given("tagInventoryEvent", event.tag_inventory_event)
    seen_at = tag.last_seen_time or event.timestamp
    reading = TagRead(
        epc_hex=_given("tagInventoryEvent.epcHex", _number("epc", tag.epc_hex, tag.epc) or None),
        antenna=_given("tagInventoryEvent.antennaPort", tag.antenna_port),
        rssi_cdbm=_given("tagInventoryEvent.peakRssiCdbm", tag.peak_rssi_cdbm),
        tid_hex=_number("tid", tag.tid_hex, tag.tid),
    )
    return zoned("tagInventoryEvent.lastSeenTime", seen_at), reading


def _number(name: str, as_hex: str | None, as_base64: str | None) -> str:
    """An EPC or TID in capitals, empty when it is not told. Told in both ways it must be the same."""
    told = [] if as_hex is None else [hexadecimal(f"tagInventoryEvent.{name}Hex", as_hex)]
    if as_base64 is not None:
        told.append(_from_base64(f"tagInventoryEvent.{name}", as_base64))
    if len(set(told)) > 1:
        raise FieldRejected(f"tagInventoryEvent.{name}", f"the same as {name}Hex")
    return told[0] if told else ""


def _from_base64(field: str, text: str) -> str:
    """base64url, with or without its padding (RFC 4648, section 5)."""
    try:
        unpadded = text.rstrip("=").encode("ascii")
        return base64.b64decode(unpadded + b"=" * (-len(unpadded) % 4), b"-_", validate=True).hex().upper()
    except (binascii.Error, UnicodeEncodeError):
        raise FieldRejected(field, "base64url") from None


def _antenna_back(event: _Event, _: Settings) -> Found:
    antenna = _given("antennaConnectedEvent", event.antenna_connected_event).antenna_port
    return event.timestamp, DeviceStatus(state="online", reason=f"antenna {antenna} connected")


def _antenna_lost(event: _Event, _: Settings) -> Found:
    antenna = _given("antennaDisconnectedEvent", event.antenna_disconnected_event).antenna_port
    return event.timestamp, DeviceStatus(state="fault", reason=f"antenna {antenna} disconnected")


def _inventory(event: _Event, _: Settings) -> Found:
    """A reader that is there but does not listen must not look alive."""
    status = _given("inventoryStatusEvent", event.inventory_status_event).status
    state: Literal["online", "fault"] = "online" if status == "running" else "fault"
    return event.timestamp, DeviceStatus(state=state, reason=f"inventory {status}")


def _terminated(event: _Event, _: Settings) -> Found:
    return event.timestamp, DeviceStatus(state="fault", reason="inventory terminated")


def _overflow(event: _Event, _: Settings) -> Found:
    lost = _given("overflowEvent", event.overflow_event)
    first = zoned("overflowEvent.firstEventTimestamp", lost.first_event_timestamp)
    last = zoned("overflowEvent.lastEventTimestamp", lost.last_event_timestamp)
    reason = f"the reader's buffer overflowed and {lost.events_purged} events were lost"
    gap_s = max(0.0, (last - first).total_seconds())
    return event.timestamp, DeviceStatus(state="gap", reason=reason, gap_s=gap_s)


def _input(event: _Event, settings: Settings) -> Found | None:
    """A light beam; an input that no beam is wired to is none of ours."""
    changed = _given("gpiTransitionEvent", event.gpi_transition_event)
    if changed.gpi not in settings.get("beam_inputs", ()):
        return None
    is_high = changed.transition == "low-to-high"
    is_broken = is_high == settings.get("beam_broken_is_high", True)
    return event.timestamp, BeamState(beam=changed.gpi, is_broken=is_broken)


def _nothing(_event: _Event, _: Settings) -> None:
    return None


def _given(field: str, value: T | None) -> T:
    if value is None:
        raise FieldRejected(field, "given; the reader's event configuration says which members it sends")
    return value


_READ: Final[Mapping[str, Callable[[_Event, Settings], Found | None]]] = {
    "tagInventory": _tag,
    "antennaConnected": _antenna_back,
    "antennaDisconnected": _antenna_lost,
    "antennaActivation": _nothing,
    "inventoryStatus": _inventory,
    "inventoryTerminated": _terminated,
    "overflow": _overflow,
    "gpiTransition": _input,
}
