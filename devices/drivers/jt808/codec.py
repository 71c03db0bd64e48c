"""What JT/T 808 messages say, and our answers. Pure.

Source: JT/T 808-2011, -2013 and -2019, section 8. Positions are WGS 84. Maps of mainland China are drawn in
GCJ-02, which is up to some hundred metres off and used nowhere here. Times are BCD YYMMDDhhmmss at UTC+8.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, NamedTuple

from devices.drivers.jt808.framing import Message
from devices.transport.decoding import FieldRejected
from devices.transport.fields import Fields
from devices.transport.satellites import sigma_m
from kernel.geometry import Point
from kernel.messages import PositionReading

GENERAL_REPLY: Final = 0x8001
RESEND_PARTS: Final = 0x8003
REGISTER_REPLY: Final = 0x8100

TERMINAL_REPLY: Final = 0x0001
HEARTBEAT: Final = 0x0002
REGISTER: Final = 0x0100
AUTHENTICATE: Final = 0x0102
LOCATION: Final = 0x0200
LOCATION_BATCH: Final = 0x0704

DONE, FAILED, MALFORMED, UNSUPPORTED = 0, 1, 2, 3
"""Results of a general reply."""
REGISTERED, TERMINAL_TAKEN, NO_SUCH_TERMINAL = 0, 3, 4
"""Results of a registration reply."""

REGISTER_BYTES_MIN: Final = 25
"""Of the body of 2011: province, city, maker, model, terminal and colour of the plate, which may be empty."""
LOCATION_BYTES: Final = 28
IMEI_BYTES: Final = 15
VERSION_BYTES: Final = 20
SATELLITES_ID: Final = 0x31

CHINA: Final = timezone(timedelta(hours=8))

ALARMS: Final[Mapping[int, str]] = {
    0: "sos",
    1: "overspeed",
    2: "fatigue",
    3: "danger",
    4: "gnss_fault",
    5: "antenna_cut",
    6: "antenna_short",
    7: "power_low",
    8: "power_lost",
    9: "display_fault",
    10: "speech_fault",
    11: "camera_fault",
    12: "card_reader_fault",
    13: "overspeed_warning",
    14: "fatigue_warning",
    15: "driving_violation",
    16: "tyre_pressure",
    17: "blind_spot_fault",
    18: "driving_time",
    19: "parking_time",
    20: "area_crossed",
    21: "route_crossed",
    22: "route_time",
    23: "off_route",
    24: "speed_sensor_fault",
    25: "fuel_abnormal",
    26: "stolen",
    27: "illegal_ignition",
    28: "moved_illegally",
    29: "collision_warning",
    30: "rollover_warning",
    31: "door_opened_illegally",
}
"""Bits of the alarm word (table 24 of 2013; bits 15 to 17 of 2019)."""

_FIXED, _SOUTH, _WEST = 1 << 1, 1 << 2, 1 << 3
"""Bits of the status word."""


class Location(NamedTuple):
    """The body of a position report. `position` is None without a fix. `is_clipped`: something after the base
    fields is cut short, or says that it is longer than what is there."""

    at: datetime
    alarms: tuple[str, ...]
    position: PositionReading | None
    is_clipped: bool


class Batch(NamedTuple):
    """Stored positions, in their order. `broken` says why the rest could not be told apart."""

    bodies: list[bytes]
    broken: FieldRejected | None


# --- what terminals say ------------------------------------------------------------------------------


def decode_location(body: bytes) -> Location:
    """A position report of 0x0200, or one of a batch. Raises FieldRejected."""
    fields = Fields(body)
    alarm, status = fields.unsigned("alarm", 4), fields.unsigned("status", 4)
    latitude, longitude = fields.unsigned("latitude", 4) / 1e6, fields.unsigned("longitude", 4) / 1e6
    altitude_m = fields.signed("altitude", 2)
    speed, course_deg = fields.unsigned("speed", 2), fields.unsigned("course", 2)
    at = _time(fields.take("time", 6))
    extras, is_clipped = _extras(fields)
    alarms = tuple(name for bit, name in ALARMS.items() if alarm >> bit & 1)
    if not status & _FIXED:
        return Location(at, alarms, None, is_clipped)
    position = PositionReading(
        point=Point(
            -longitude if status & _WEST else longitude,
            -latitude if status & _SOUTH else latitude,
            float(altitude_m),
        ),
        frame="wgs84",
        heading_deg=float(course_deg),
        speed_mps=round(speed / 36, 3),
        sigma_m=sigma_m("single"),
        fix="single",
        satellites=_satellites(extras),
    )
    return Location(at, alarms, position, is_clipped)


def _time(bcd: bytes) -> datetime:
    digits = bcd.hex()
    try:
        local = datetime.strptime(f"20{digits}", "%Y%m%d%H%M%S")  # noqa: DTZ007 - the zone follows
    except ValueError as error:
        raise FieldRejected("time", f"BCD of YYMMDDhhmmss, {digits} is not") from error
    return local.replace(tzinfo=CHINA).astimezone(UTC)


def _extras(fields: Fields) -> tuple[dict[int, bytes], bool]:
    """What follows the base fields: u8 id, u8 length, value. Makers get lengths wrong: what says it is longer
    than the rest is cut to it."""
    extras: dict[int, bytes] = {}
    while fields.left > 1:
        name, length = fields.unsigned("extra", 1), fields.unsigned("length", 1)
        if length > fields.left:
            extras[name] = fields.rest()
            return extras, True
        extras[name] = fields.take("value", length)
    return extras, bool(fields.left)


def _satellites(extras: Mapping[int, bytes]) -> int:
    told = extras.get(SATELLITES_ID, b"")
    return told[0] if len(told) == 1 else 0


def decode_batch(body: bytes) -> Batch:
    """The reports of 0x0704, each as the body of 0x0200 that it is; what is cut short is taken as far as it
    goes. Raises FieldRejected when not even the head is there."""
    fields = Fields(body)
    count = fields.unsigned("count", 2)
    fields.unsigned("kind", 1)
    bodies: list[bytes] = []
    while len(bodies) < count and fields.left >= 2:
        length = fields.unsigned("length", 2)
        bodies.append(fields.take("report", min(length, fields.left)))
    if len(bodies) < count:
        return Batch(bodies, FieldRejected("count", f"{count} reports, {len(bodies)} end at {fields.at}"))
    if fields.left:
        return Batch(bodies, FieldRejected("report", f"{count} and no more, {fields.left} bytes follow"))
    return Batch(bodies, None)


def decode_code(message: Message, body: bytes) -> str:
    """The authentication code of 0x0102: the whole body, or in the form of 2019 a length, the code, IMEI and
    software version. Raises FieldRejected."""
    if message.is_2019:
        fields = Fields(body)
        body = fields.take("authentication_code", fields.unsigned("length", 1))
        fields.take("imei", IMEI_BYTES)
        fields.take("software_version", VERSION_BYTES)
    return body.rstrip(b"\0").decode("latin-1")


# --- what we answer ----------------------------------------------------------------------------------


def general_reply(message: Message, result: int) -> bytes:
    return message.serial.to_bytes(2, "big") + message.message_id.to_bytes(2, "big") + bytes([result])


def register_reply(message: Message, result: int, code: str = "") -> bytes:
    """`code` only goes with REGISTERED."""
    return message.serial.to_bytes(2, "big") + bytes([result]) + code.encode("ascii")


def resend_parts(message: Message, missing: list[int]) -> bytes:
    """The serial of the first part, and which parts are wanted; their number has one byte, in 2019 two."""
    first = (message.serial - message.part + 1) & 0xFFFF
    count = len(missing).to_bytes(2 if message.is_2019 else 1, "big")
    return first.to_bytes(2, "big") + count + b"".join(part.to_bytes(2, "big") for part in missing)
