"""Whether a reading may enter the journal. Pure: the first broken rule decides, and says which field."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from kernel.geometry import Point
from kernel.messages import (
    CodeScan,
    LoadChange,
    MassReading,
    Observation,
    PositionReading,
    Rejected,
    TagRead,
)
from kernel.units import MASS_G_MAX

FUTURE_MAX = timedelta(minutes=5)
"""A device's clock may be ahead of ours by this much."""
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""Nothing was measured before the product existed; a clock that lost its battery says 1970 or 2000."""
NUMBER_MAX = 2**53 - 1
"""Boot and sequence stay exact in every JSON reader."""
MARGIN_M = 50.0
"""How far beyond the site's outline a position may lie: the road before the gate, and positioning error."""
WIDEST_M = 100_000.0
TEXT_LENGTH_MAX = 512
EPC_BYTES_MAX = 62
"""The longest EPC a Gen2 tag can state: 31 words of 16 bits."""

FAMILY_KINDS: Mapping[str, frozenset[str]] = {
    "llrp": frozenset({"tag_read", "status"}),
    "modbus_weighbridge": frozenset({"mass", "status"}),
    "modbus_barrier": frozenset({"barrier", "status"}),
    "mqtt_position": frozenset({"position", "load_change", "status"}),
    "pda": frozenset({"scan", "status"}),
}
"""What each driver family may report; a scale that sends tag reads is not the scale."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What ingest knows about a device."""

    device_id: str
    site_id: str
    family: str
    retired_at: datetime | None = None


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How far a site reaches from its origin, in metres. The default believes any place on land."""

    width_m: float = WIDEST_M
    length_m: float = WIDEST_M
    height_m: float = WIDEST_M


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A reading and when the edge got it."""

    observation: Observation
    received_at: datetime


class Broken(msgspec.Struct, frozen=True):
    """The rule a reading breaks, and the field that breaks it."""

    field: str
    rule: str


def reading_kind(observation: Observation) -> str:
    """The name of the reading's kind as the journal keeps it, such as `tag_read`."""
    return str(observation.reading.__struct_config__.tag)


def rejected(received: Received, broken: Broken) -> Rejected:
    """`received` as a quarantine entry; the raw bytes are the observation as JSON."""
    observation = received.observation
    return Rejected(
        device_id=observation.device_id,
        field=broken.field,
        rule=broken.rule,
        raw=msgspec.json.encode(observation),
        received_at=received.received_at,
        boot=observation.boot if 0 <= observation.boot <= NUMBER_MAX else None,
        sequence=observation.sequence if 1 <= observation.sequence <= NUMBER_MAX else None,
    )


def check(
    received: Received, site_id: str, registration: Registration | None, bounds: Bounds
) -> Broken | None:
    """The first rule that the reading breaks at `site_id`, or None when it may be stored."""
    return (
        _check_device(received, site_id, registration)
        or _check_identity(received.observation)
        or _check_time(received)
        or _check_reading(received.observation, bounds)
    )


def _check_device(received: Received, site_id: str, registration: Registration | None) -> Broken | None:
    if registration is None:
        return Broken("device_id", "an enrolled device")
    if registration.site_id != site_id:
        return Broken("device_id", "a device of this site")
    if registration.retired_at is not None and received.observation.observed_at >= registration.retired_at:
        return Broken("device_id", "not retired")
    if reading_kind(received.observation) not in FAMILY_KINDS.get(registration.family, ()):
        return Broken("reading.kind", f"a kind that {registration.family} reports")
    return None


def _check_identity(observation: Observation) -> Broken | None:
    if not 0 <= observation.boot <= NUMBER_MAX:
        return Broken("boot", "0 or more, exact in JSON")
    if not 1 <= observation.sequence <= NUMBER_MAX:
        return Broken("sequence", "1 or more, exact in JSON")
    return None


def _check_time(received: Received) -> Broken | None:
    observed_at = received.observation.observed_at
    if observed_at.tzinfo is None:
        return Broken("observed_at", "carries a time zone")
    if observed_at > received.received_at + FUTURE_MAX:
        return Broken("observed_at", f"at most {FUTURE_MAX.seconds} s in the future")
    if observed_at < EARLIEST:
        return Broken("observed_at", f"not before {EARLIEST.date().isoformat()}")
    return None


def _check_reading(observation: Observation, bounds: Bounds) -> Broken | None:
    match observation.reading:
        case TagRead() as read:
            return _check_epc(read.epc_hex, "epc_hex") or _check_tag_read(read)
        case MassReading() as mass:
            return _check_mass(mass)
        case PositionReading() as position:
            carried = position.load_epc_hex
            return _check_motion(position, bounds) or (
                _check_epc(carried, "load_epc_hex") if carried is not None else None
            )
        case LoadChange() as change:
            return _check_epc(change.epc_hex, "epc_hex") or _check_point(
                change.point, change.sigma_m, bounds, MARGIN_M
            )
        case CodeScan() as scan:
            return _check_scan(scan)
        case _:
            return None


def _check_epc(epc_hex: str, field: str) -> Broken | None:
    try:
        whole = bytes.fromhex(epc_hex)
    except ValueError:
        return Broken(field, "hexadecimal of whole bytes")
    if not 0 < len(whole) <= EPC_BYTES_MAX:
        return Broken(field, f"1 to {EPC_BYTES_MAX} bytes")
    if epc_hex != whole.hex().upper():
        return Broken(field, "capitals without spaces")
    return None


def _check_tag_read(read: TagRead) -> Broken | None:
    if not 1 <= read.antenna <= 0xFFFF:
        return Broken("antenna", "1 to 65535")
    if not -15_000 <= read.rssi_cdbm <= 3_000:
        return Broken("rssi_cdbm", "-150 to 30 dBm")
    if not 1 <= read.seen_count <= 0xFFFF:
        return Broken("seen_count", "1 to 65535")
    return None


def _check_mass(mass: MassReading) -> Broken | None:
    if mass.mass_g < 0:
        return Broken("mass_g", "not negative")
    if mass.mass_g > MASS_G_MAX:
        return Broken("mass_g", f"at most {MASS_G_MAX}")
    if not 1 <= mass.weight_id <= NUMBER_MAX:
        return Broken("weight_id", "1 or more")
    if not 0 <= mass.axle_count <= 100:
        return Broken("axle_count", "0 to 100")
    return None


def _check_motion(position: PositionReading, bounds: Bounds) -> Broken | None:
    if not 0.0 <= position.speed_mps <= 100.0:
        return Broken("speed_mps", "0 to 100")
    if not -360.0 <= position.heading_deg <= 360.0:
        return Broken("heading_deg", "-360 to 360")
    if position.frame == "wgs84":
        return _check_wgs84(position.point)
    return _check_point(position.point, position.sigma_m, bounds, MARGIN_M)


def _check_wgs84(point: Point) -> Broken | None:
    if not (-180.0 <= point.x_m <= 180.0 and -90.0 <= point.y_m <= 90.0):
        return Broken("point", "longitude within 180, latitude within 90 degrees")
    if point.x_m == 0.0 and point.y_m == 0.0:
        return Broken("point", "a fix; receivers without one say 0, 0")
    if not -500.0 <= point.z_m <= 9_000.0:
        return Broken("point.z_m", "-500 to 9000 m")
    return None


def _check_point(point: Point, sigma_m: float, bounds: Bounds, margin_m: float) -> Broken | None:
    # Comparisons are written so that NaN fails them.
    if not -margin_m <= point.x_m <= bounds.width_m + margin_m:
        return Broken("point.x_m", "within the site")
    if not -margin_m <= point.y_m <= bounds.length_m + margin_m:
        return Broken("point.y_m", "within the site")
    if not -margin_m <= point.z_m <= bounds.height_m + margin_m:
        return Broken("point.z_m", "within the site")
    if not 0.0 <= sigma_m <= 1_000.0:
        return Broken("sigma_m", "0 to 1000")
    return None


def _check_scan(scan: CodeScan) -> Broken | None:
    texts = {
        "code": scan.code,
        "symbology": scan.symbology,
        "place_code": scan.place_code or "",
        "task_id": scan.task_id or "",
    }
    for field, text in texts.items():
        if len(text) > TEXT_LENGTH_MAX:
            return Broken(field, f"at most {TEXT_LENGTH_MAX} characters")
        if "\x00" in text:
            return Broken(field, "no NUL character")
    return None if scan.code else Broken("code", "not empty")
