"""Events of a ChirpStack v4 network server: JSON to observations and rejections. Pure.

Source: ChirpStack documentation, "Event types", and its `integration.proto`; JSON is the Protocol Buffers
mapping, so that a member with its default value (a counter of 0, a level of INFO) is absent. The topic is
ChirpStack's own, below `vendor/`: `application/{applicationId}/device/{devEui}/event/{event}`.

| event | what comes of it |
|---|---|
| `up` | `UplinkHeard` with each gateway's RSSI; from `object` a position and the surroundings |
| `join`, `status` | the node is online, with its new address, or battery and link margin |
| `log` | an ERROR is a fault of the node: a wrong MIC or a counter that was reset may be a copied node |
| `location` | a position that the network estimated |
| `ack`, `txack`, `integration` | nothing: they tell of downlinks and of other services |

An uplink is known by its node, session (`devAddr`) and frame counter, not by its bytes: LoRaWAN counts the
frames of a session. The server sorts out what several gateways heard of a frame, but one whose gateway is
late it tells anew, under another `deduplicationId`, time and list of gateways: `Frames` knows it again, and
it is the same reading. Where the same frame says something else it is a cloned identity. A node that joins
anew has a new `devAddr`; one that only begins to count anew repeats a counter long after, and is believed.
The counters are not used to find gaps: uplinks are not acknowledged, and some are lost on any day.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from devices.drivers.chirpstack import objects
from devices.transport.decoding import Arrived, FieldRejected
from devices.transport.makers import Gateway, wrong_json
from kernel.geometry import Point
from kernel.messages import (
    AnyReading,
    DeviceStatus,
    GatewayHeard,
    Observation,
    PositionReading,
    Rejected,
    UplinkHeard,
)

MESSAGE_BYTES_MAX: Final = 65_536
REASON_LENGTH_MAX: Final = 200
READINGS_PER_S_MAX: Final = 20
"""Of one node; its radio may be on the air for a hundredth of the time."""
REPEATED_WITHIN: Final = timedelta(seconds=60)
"""A frame that is told anew is so within this time; after it, the same counter is another frame."""
LOCATION_SIGMA_M: Final = 100.0
"""Where the network tells no accuracy of a place that it estimated from several gateways."""


class _DeviceInfo(msgspec.Struct, frozen=True, rename="camel"):
    dev_eui: str


class _RxInfo(msgspec.Struct, frozen=True, rename="camel"):
    gateway_id: str
    rssi: int = 0
    snr: float | None = None


class _Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all events have. `deduplicationId` is absent from `txack` and `log`."""

    time: datetime
    device_info: _DeviceInfo
    deduplication_id: str = ""


class _Up(_Event, frozen=True, kw_only=True):
    dev_addr: str
    f_cnt: int = 0
    rx_info: tuple[_RxInfo, ...] = ()
    object: dict[str, Any] | None = None


class _Join(_Event, frozen=True, kw_only=True):
    dev_addr: str


class _Status(_Event, frozen=True, kw_only=True):
    margin: int = 0
    external_power_source: bool = False
    battery_level_unavailable: bool = False
    battery_level: float = 0.0


class _Log(_Event, frozen=True, kw_only=True):
    level: str = "INFO"
    code: str = ""
    description: str = ""


class _Place(msgspec.Struct, frozen=True):
    latitude: float = 0.0
    longitude: float = 0.0
    altitude: float = 0.0
    accuracy: float = 0.0


class _Location(_Event, frozen=True, kw_only=True):
    location: _Place


class _Said(msgspec.Struct, frozen=True):
    """What a message says of its node: the event, what it is known by, and readings, each read on its own."""

    event: _Event
    known_by: bytes
    readings: tuple[Callable[[], AnyReading | None], ...]


class Frames:
    """Each node's last frame, and when it was told first."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[bytes, datetime]] = {}

    def told(self, device_id: str, said: _Said) -> _Said:
        """What an uplink says; of a frame that is told anew under another time, at the first time and without
        the gateways, which are others."""
        frame, at = self._last.get(device_id, (b"", said.event.time))
        if frame != said.known_by or abs(said.event.time - at) > REPEATED_WITHIN:
            self._last[device_id] = said.known_by, said.event.time
            return said
        if said.event.time == at:
            return said
        event = msgspec.structs.replace(said.event, time=at)
        return msgspec.structs.replace(said, event=event, readings=said.readings[1:])


def decode(
    arrived: Arrived, nodes: Mapping[str, str], frames: Frames | None = None
) -> list[Observation | Rejected]:
    """Everything an event says of its node. A part of the payload that is wrong costs only itself. Without
    `frames`, a frame that is told anew under another time is another reading."""
    gateway, payload = Gateway(arrived, nodes), arrived.payload
    try:
        dev_eui, event = _topic(arrived.channel)
        if len(payload) > MESSAGE_BYTES_MAX:
            raise FieldRejected("message", f"at most {MESSAGE_BYTES_MAX} bytes")
        if event in _SAY_NOTHING:
            return []
        said = _read(event, payload)
        if said.event.device_info.dev_eui.lower() != dev_eui.lower():
            raise FieldRejected("deviceInfo.devEui", "the device of the topic")
        device_id = gateway.device_of("deviceInfo.devEui", dev_eui)
        if said.event.time.tzinfo is None:
            raise FieldRejected("time", "carries a time zone")
    except FieldRejected as error:
        return [gateway.rejected(error, payload)]
    if frames is not None and event == "up":
        said = frames.told(device_id, said)
    return list(_observations(gateway, device_id, said, payload))


def _observations(
    gateway: Gateway, device_id: str, said: _Said, payload: bytes
) -> Iterator[Observation | Rejected]:
    for read in said.readings:
        try:
            reading = read()
        except FieldRejected as error:
            yield gateway.rejected(error, payload)
            continue
        if reading is not None:
            yield gateway.observation(
                device_id, said.event.time, reading, known_by=said.known_by, raw=payload
            )


def _topic(channel: str) -> tuple[str, str]:
    """The DevEUI and the event of `vendor/…/device/{devEui}/event/{event}`."""
    levels = channel.split("/")
    if len(levels) < 5 or levels[0] != "vendor" or (levels[-4], levels[-2]) != ("device", "event"):
        raise FieldRejected("channel", "vendor/application/{id}/device/{devEui}/event/{event}")
    return levels[-3], levels[-1]


def _read(event: str, payload: bytes) -> _Said:
    read = _READ.get(event)
    if read is None:
        raise FieldRejected("channel", f"an event of {', '.join([*_READ, *sorted(_SAY_NOTHING)])}")
    try:
        return read(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong_json(error) from error


def _up(payload: bytes) -> _Said:
    up = _up_decoder.decode(payload)
    said = up.object or {}
    return _Said(
        event=up,
        known_by=f"{up.dev_addr}/{up.f_cnt}".encode(),
        readings=(
            lambda: UplinkHeard(counter=up.f_cnt, heard=tuple(map(_heard, up.rx_info))),
            lambda: objects.position(said),
            lambda: objects.environment(said),
        ),
    )


def _heard(rx: _RxInfo) -> GatewayHeard:
    if rx.snr is not None and not abs(rx.snr) <= 1_000:
        raise FieldRejected("rxInfo.snr", "a ratio in dB")
    snr_cdb = None if rx.snr is None else round(rx.snr * 100)
    return GatewayHeard(gateway=rx.gateway_id, rssi_cdbm=rx.rssi * 100, snr_cdb=snr_cdb)


def _join(payload: bytes) -> _Said:
    join = _join_decoder.decode(payload)
    return _statement(join, "online", f"joined the network as {join.dev_addr}", payload)


def _status(payload: bytes) -> _Said:
    status = _status_decoder.decode(payload)
    battery = f"battery {status.battery_level:g} %"
    if status.external_power_source:
        battery = "external power"
    elif status.battery_level_unavailable:
        battery = "battery unknown"
    return _statement(status, "online", f"{battery}, link margin {status.margin} dB", payload)


def _log(payload: bytes) -> _Said:
    log = _log_decoder.decode(payload)
    said = _statement(log, "fault", f"{log.code}: {log.description}", payload)
    return said if log.level == "ERROR" else msgspec.structs.replace(said, readings=())


def _location(payload: bytes) -> _Said:
    event = _location_decoder.decode(payload)
    at = event.location
    position = PositionReading(
        point=Point(at.longitude, at.latitude, at.altitude),
        frame="wgs84",
        sigma_m=at.accuracy if at.accuracy > 0 else LOCATION_SIGMA_M,
        fix="estimated",
    )
    return _Said(event=event, known_by=event.deduplication_id.encode(), readings=(lambda: position,))


def _statement(event: _Event, state: Any, reason: str, payload: bytes) -> _Said:
    status = DeviceStatus(state=state, reason=reason[:REASON_LENGTH_MAX])
    return _Said(event=event, known_by=event.deduplication_id.encode() or payload, readings=(lambda: status,))


_up_decoder = msgspec.json.Decoder(_Up)
_join_decoder = msgspec.json.Decoder(_Join)
_status_decoder = msgspec.json.Decoder(_Status)
_log_decoder = msgspec.json.Decoder(_Log)
_location_decoder = msgspec.json.Decoder(_Location)
_READ: Final[Mapping[str, Callable[[bytes], _Said]]] = {
    "up": _up,
    "join": _join,
    "status": _status,
    "log": _log,
    "location": _location,
}
_SAY_NOTHING: Final = frozenset({"ack", "txack", "integration"})
