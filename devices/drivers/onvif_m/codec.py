"""What a camera of ONVIF profile M says over MQTT: JSON to observations and rejections. Pure.

Sources: ONVIF Core Specification, "JSON Event Payload" (`onvif-ej`), and ONVIF Analytics Service
Specification, "JSON over MQTT" (`onvif-mj`). The camera's topic prefix is our device's topic with `vendor`,
so that its topics reach us as these channels:

* `vendor/onvif-ej/{topic}/&{source…}`: an event, `{"UtcTime": …, "Source": {…}, "Data": {…}}`. Known are the
  plates it recognised, its field detectors (a rule is named as the slot it watches), its counters (a rule is
  named as the line it watches), and what it finds wrong with its own picture. An empty payload deletes a
  property and says nothing.
* `vendor/onvif-mj/VideoAnalytics/{profile}/{module}`: frames, `{"Frame": [{"@UtcTime": …, "Object": […]}]}`.
  A pallet is an object of the class that the device was enrolled with; where it stands follows from its
  place on earth or from its box in the picture, and from the device's view.

Values of simple items may stand in quotes or not. A time without a zone is UTC, as its name says. Nothing is
numbered: a reading is known by its time and bytes.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec

from devices.drivers.onvif_m.scene import (
    LIKELIHOOD_MIN,
    PALLET_CLASS,
    Classes,
    PlateInfo,
    Transformation,
    permille,
    plate_read,
    read_scene,
)
from devices.transport.decoding import Arrived, FieldRejected, by_content
from devices.transport.makers import wrong_json
from devices.transport.view import read_view
from kernel.messages import AnyReading, DeviceStatus, LineCount, Observation, PlateRead, Rejected, SlotSight

MESSAGE_BYTES_MAX: Final = 2_097_152
FRAMES_MAX: Final = 25
READINGS_PER_S_MAX: Final = 100
COUNT_DIGITS_MAX: Final = 15
EVENTS: Final = "vendor/onvif-ej/"
PICTURE: Final = "tallyhouse:PictureSha256"
FRAMES: Final = "vendor/onvif-mj/VideoAnalytics/"

T = TypeVar("T")
Item = Observation | Rejected
Settings = Mapping[str, Any]


class _Event(msgspec.Struct, frozen=True, rename="pascal"):
    utc_time: str
    source: msgspec.Raw = msgspec.Raw(b"{}")
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Rule(msgspec.Struct, frozen=True, rename="pascal"):
    rule: str = ""


class _Plate(msgspec.Struct, frozen=True, rename="pascal"):
    license_plate_info: PlateInfo
    likelihood: float | str | None = None
    direction: str = ""


class _Inside(msgspec.Struct, frozen=True, rename="pascal"):
    is_inside: bool | str


class _Counter(msgspec.Struct, frozen=True, rename="pascal"):
    count: int | str


class _State(msgspec.Struct, frozen=True, rename="pascal"):
    state: bool | str


class _Frame(msgspec.Struct, frozen=True, rename="pascal"):
    utc_time: str = msgspec.field(name="@UtcTime")
    extension: Any = None
    transformation: Transformation = Transformation()
    object: msgspec.Raw = msgspec.Raw(b"[]")


class _Frames(msgspec.Struct, frozen=True, rename="pascal"):
    frame: list[msgspec.Raw]


def decode(arrived: Arrived, _: Mapping[str, str]) -> list[Item]:
    """Every reading of a message, in its order. A wrong frame costs only itself."""
    channel, payload = arrived.channel, arrived.payload
    try:
        if len(payload) > MESSAGE_BYTES_MAX:
            raise FieldRejected("message", f"at most {MESSAGE_BYTES_MAX} bytes")
        if channel.startswith(EVENTS):
            return _event(arrived, channel.removeprefix(EVENTS).partition("/&")[0])
        if channel.startswith(FRAMES):
            parts = _parsed(_Frames, payload, "").frame
            if len(parts) > FRAMES_MAX:
                raise FieldRejected("Frame", f"at most {FRAMES_MAX}")
            return [item for part in parts for item in _frame(arrived, bytes(part))]
        raise FieldRejected("channel", f"below {EVENTS} or {FRAMES}")
    except FieldRejected as error:
        return [_rejected(arrived, error, payload)]


# --- events --------------------------------------------------------------------------------------


def _event(arrived: Arrived, topic: str) -> list[Item]:
    read = _READERS.get(topic)
    if read is None:
        raise FieldRejected("channel", f"an event that is known: {', '.join(sorted(_READERS))}")
    if not arrived.payload:
        return []
    event = _parsed(_Event, arrived.payload, "")
    reading = read(event, arrived.settings)
    at = _utc("UtcTime", event.utc_time)
    known_by = topic.encode() + b"\0" + arrived.payload
    return [by_content(arrived.device_id, at, reading, arrived.payload, known_by=known_by)]


def _plate(event: _Event, _: Settings) -> PlateRead:
    data = _parsed(_Plate, bytes(event.data), "Data")
    read = plate_read(data.license_plate_info, "Data.LicensePlateInfo.PlateNumber")
    direction = {"entering": "in", "exiting": "out"}.get(data.direction.lower(), "unknown")
    confidence = read.confidence_permille
    if data.likelihood is not None:
        confidence = permille(_number("Data.Likelihood", data.likelihood), "Data.Likelihood")
    return msgspec.structs.replace(read, direction=direction, confidence_permille=confidence)


def _inside(event: _Event, settings: Settings) -> SlotSight:
    """A field detector's rule is named as the slot that it watches."""
    rule = _parsed(_Rule, bytes(event.source), "Source").rule
    if rule not in read_view(settings.get("view") or "{}").slot_ids:
        raise FieldRejected("Source.Rule", "a slot of the device's view")
    is_inside = _truth("Data.IsInside", _parsed(_Inside, bytes(event.data), "Data").is_inside)
    return SlotSight(
        occupied=(rule,) if is_inside else (),
        empty=() if is_inside else (rule,),
        pallet_count=int(is_inside),
    )


def _counter(event: _Event, _: Settings) -> LineCount:
    """A counter tells a running total, from 0 when it begins anew."""
    rule = _parsed(_Rule, bytes(event.source), "Source").rule
    if not rule:
        raise FieldRejected("Source.Rule", "the line that is watched")
    return LineCount(
        line=rule, count=_whole("Data.Count", _parsed(_Counter, bytes(event.data), "Data").count)
    )


def _worthless(state: Any) -> Callable[[_Event, Settings], AnyReading]:
    def read(event: _Event, _: Settings) -> AnyReading:
        return SlotSight(state=state) if _is_so(event) else DeviceStatus(state="online")

    return read


def _troubled(reason: str) -> Callable[[_Event, Settings], AnyReading]:
    def read(event: _Event, _: Settings) -> AnyReading:
        return DeviceStatus(state="fault", reason=reason) if _is_so(event) else DeviceStatus(state="online")

    return read


def _is_so(event: _Event) -> bool:
    return _truth("Data.State", _parsed(_State, bytes(event.data), "Data").state)


def _each(name: str, read: Callable[[_Event, Settings], AnyReading]) -> dict[str, Any]:
    """The same finding, whichever service of the camera made it."""
    services = "AnalyticsService", "ImagingService", "RecordingService"
    return {f"VideoSource/{name}/{service}": read for service in services}


_READERS: Final[Mapping[str, Callable[[_Event, Settings], AnyReading]]] = {
    "RuleEngine/Recognition/LicensePlate": _plate,
    "RuleEngine/FieldDetector/ObjectsInside": _inside,
    "RuleEngine/CountAggregation/Counter": _counter,
    **_each("ImageTooDark", _worthless("dark")),
    **_each("ImageTooBlurry", _troubled("the picture is blurred")),
    **_each("GlobalSceneChange", _troubled("the camera was covered or turned")),
    "VideoSource/SignalLoss": _troubled("no picture"),
    # ONVIF has no topic for these; a box that looks at the pictures of cameras says it under our alias.
    "VideoSource/tallyhouse:ImageFrozen": _worthless("frozen"),
    "VideoSource/tallyhouse:ImageReplayed": _worthless("replayed"),
}


# --- frames --------------------------------------------------------------------------------------


def _frame(arrived: Arrived, raw: bytes) -> list[Item]:
    settings = arrived.settings
    classes = Classes(
        settings.get("pallet_class", PALLET_CLASS),
        settings.get("empty_class", ""),
        settings.get("likelihood_min", LIKELIHOOD_MIN),
    )
    try:
        frame = _parsed(_Frame, raw, "Frame")
        at = _utc("Frame.@UtcTime", frame.utc_time)
        scene = read_scene(bytes(frame.object), frame.transformation, settings.get("view") or "", classes)
    except FieldRejected as error:
        return [_rejected(arrived, error, raw)]
    readings: list[AnyReading] = [*scene.codes, *scene.plates]
    if scene.slots is not None:
        sight = msgspec.structs.replace(scene.slots, picture_sha256=_picture(frame.extension))
        readings.insert(0, sight)
    return [
        by_content(arrived.device_id, at, reading, raw, known_by=b"%d\0" % number + raw)
        for number, reading in enumerate(readings)
    ]


def _picture(extension: Any) -> str:
    """The digest of the picture that a frame was found in; "" where its maker's extension names none."""
    named = extension.get(PICTURE, "") if isinstance(extension, dict) else ""
    return named if isinstance(named, str) else ""


# --- values --------------------------------------------------------------------------------------


def _parsed(form: type[T], raw: bytes, field: str) -> T:
    """`raw` in its form. What is wrong is named below `field`, which is empty for the message itself."""
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        wrong = wrong_json(error, field or "message")
        is_below = isinstance(error, msgspec.ValidationError) and field and wrong.field != field
        raise FieldRejected(f"{field}.{wrong.field}" if is_below else wrong.field, wrong.rule) from None


def _utc(field: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise FieldRejected(field, "a date and time") from None
    try:
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise FieldRejected(field, "a date and time") from None


def _number(field: str, value: float | str) -> float:
    try:
        return float(value)
    except ValueError:
        raise FieldRejected(field, "a number") from None


def _whole(field: str, value: int | str) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= COUNT_DIGITS_MAX):
        raise FieldRejected(field, "a whole number of 0 or more")
    return int(text)


def _truth(field: str, value: bool | str) -> bool:
    if isinstance(value, bool):
        return value
    if value.lower() not in ("true", "false", "1", "0"):
        raise FieldRejected(field, "true or false")
    return value.lower() in ("true", "1")


def _rejected(arrived: Arrived, error: FieldRejected, raw: bytes) -> Rejected:
    return Rejected(
        device_id=arrived.device_id,
        field=error.field,
        rule=error.rule,
        raw=raw,
        received_at=arrived.received_at,
    )
