"""Positions of UWB tags: JSON of the positioning server to observations and rejections. Pure.

The form is that of Pozyx ("MQTT positioning stream data structure" in its documentation): a list of updates
on the topic `tags` or `tags/{tagId}`, each
`{"version":"2.0","tagId":"30331","timestamp":1615984968.807,"success":true,"data":{"coordinates":{"x":4425,
"y":6201,"z":-100},"metrics":{…}}}`. `timestamp` is seconds since 1970; coordinates are millimetres in the
anchors' frame. A server that tells metres is enrolled with `unit = "m"`.

`success: false` says that the tag was heard and could not be placed: it is a fault of the tag and never a
position, whatever coordinates stand beside it.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from devices.transport.decoding import Arrived, FieldRejected
from devices.transport.makers import Gateway, json_parts, moment, wrong_json
from kernel.geometry import Point
from kernel.messages import AnyReading, DeviceStatus, Observation, PositionReading, Rejected

MESSAGE_BYTES_MAX: Final = 262_144
UPDATES_MAX: Final = 500
READINGS_PER_S_MAX: Final = 100
"""Of one tag; they blink at most 100 times a second."""
REASON_LENGTH_MAX: Final = 100
CHANNEL: Final = "vendor/tags"
PER_METRE: Final = {"mm": 1000.0, "m": 1.0}
SIGMA_M: Final = 0.3
"""Published accuracies lie between 0.2 and 0.5 m for tags that move among shelves."""


class _Coordinates(msgspec.Struct, frozen=True):
    x: float
    y: float
    z: float = 0.0


class _Data(msgspec.Struct, frozen=True):
    coordinates: _Coordinates | None = None


class _Update(msgspec.Struct, frozen=True, rename="camel"):
    tag_id: str | int
    timestamp: float
    success: bool
    data: _Data = _Data()
    error_code: str | int = ""


_update = msgspec.json.Decoder(_Update)


def decode(arrived: Arrived, nodes: Mapping[str, str]) -> list[Observation | Rejected]:
    """Every update of a message, in its order. A wrong update costs only itself."""
    gateway, payload = Gateway(arrived, nodes), arrived.payload
    try:
        if arrived.channel != CHANNEL and not arrived.channel.startswith(f"{CHANNEL}/"):
            raise FieldRejected("channel", f"{CHANNEL} or below")
        if len(payload) > MESSAGE_BYTES_MAX:
            raise FieldRejected("message", f"at most {MESSAGE_BYTES_MAX} bytes")
        parts = json_parts(payload)
        if not 0 < len(parts) <= UPDATES_MAX:
            raise FieldRejected("message", f"1 to {UPDATES_MAX} updates")
    except FieldRejected as error:
        return [gateway.rejected(error, payload)]
    per_metre = PER_METRE[arrived.settings.get("unit", "mm")]
    sigma_m = arrived.settings.get("sigma_m", SIGMA_M)
    return [_decode_one(gateway, part, per_metre, sigma_m) for part in parts]


def _decode_one(gateway: Gateway, raw: bytes, per_metre: float, sigma_m: float) -> Observation | Rejected:
    try:
        update = _update.decode(raw)
        device_id = gateway.device_of("tagId", str(update.tag_id))
        observed_at = moment("timestamp", update.timestamp)
        reading = _reading(update, per_metre, sigma_m)
    except FieldRejected as error:
        return gateway.rejected(error, raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return gateway.rejected(wrong_json(error, "update"), raw)
    return gateway.observation(device_id, observed_at, reading, known_by=raw, raw=raw)


def _reading(update: _Update, per_metre: float, sigma_m: float) -> AnyReading:
    if not update.success:
        code = str(update.error_code)[:REASON_LENGTH_MAX]
        return DeviceStatus(state="fault", reason=f"no position: {code}" if code else "no position")
    at = update.data.coordinates
    if at is None:
        raise FieldRejected("data.coordinates", "given, when success is true")
    return PositionReading(point=Point(at.x / per_metre, at.y / per_metre, at.z / per_metre), sigma_m=sigma_m)
