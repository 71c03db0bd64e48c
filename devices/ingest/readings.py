"""Which values of each kind of reading can be. Pure: the first broken rule decides, and says which field."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from kernel.animals import WrongAnimalId, animal_id
from kernel.geometry import Point
from kernel.messages import (
    AnimalBeacon,
    AnyReading,
    BeamState,
    CodeScan,
    CodeSight,
    Environment,
    FeedEvent,
    FeedWeight,
    LabelPrinted,
    LineCount,
    LoadChange,
    MassReading,
    PlateRead,
    PositionReading,
    Reading,
    SlotSight,
    StationBeat,
    TagRead,
    TerminalAlarm,
    UplinkHeard,
)
from kernel.units import MASS_G_MAX

NUMBER_MAX = 2**53 - 1
"""Boot and sequence stay exact in every JSON reader."""
MARGIN_M = 50.0
"""How far beyond the site's outline a position may lie: the road before the gate, and positioning error."""
WIDEST_M = 100_000.0
TEXT_LENGTH_MAX = 512
EPC_BYTES_MAX = 62
"""The longest EPC a Gen2 tag can state: 31 words of 16 bits."""
BURST_SAMPLES_MAX = 4_096
SLOTS_MAX = 2_000
"""Slots in view of one camera."""
GATEWAYS_MAX = 64
"""Radio gateways that hear one uplink."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How far a site reaches from its origin, in metres. The default believes any place on land."""

    width_m: float = WIDEST_M
    length_m: float = WIDEST_M
    height_m: float = WIDEST_M


class Broken(msgspec.Struct, frozen=True):
    """The rule a reading breaks, and the field that breaks it."""

    field: str
    rule: str


def broken_rule(reading: AnyReading, bounds: Bounds) -> Broken | None:
    """The first rule that the values of a reading break, or None. What a device says of itself has none."""
    rule = RULES.get(type(reading))
    return None if rule is None else rule(reading, bounds)


def _within(field: str, value: float | None, low: float, high: float) -> Broken | None:
    """Broken when a number lies outside `low` to `high`, both included. NaN does; None is not given."""
    return None if value is None or low <= value <= high else Broken(field, f"{low:g} to {high:g}")


def _first(*checks: Broken | None) -> Broken | None:
    return next((broken for broken in checks if broken is not None), None)


def _text(field: str, text: str | None, *, may_be_empty: bool = True) -> Broken | None:
    if text is None:
        return None
    if len(text) > TEXT_LENGTH_MAX:
        return Broken(field, f"at most {TEXT_LENGTH_MAX} characters")
    if "\x00" in text:
        return Broken(field, "no NUL character")
    return None if text or may_be_empty else Broken(field, "not empty")


def _texts(field: str, texts: Sequence[str]) -> Broken | None:
    """Many at once, none of them empty: a camera tells hundreds of slots in every frame."""
    if not texts:
        return None
    longest, together = max(texts, key=len), "".join(texts)
    return (
        _text(field, longest)
        or (Broken(field, "no NUL character") if "\x00" in together else None)
        or (None if all(texts) else Broken(field, "not empty"))
    )


def _epc(field: str, epc_hex: str) -> Broken | None:
    try:
        whole = bytes.fromhex(epc_hex)
    except ValueError:
        return Broken(field, "hexadecimal of whole bytes")
    if not 0 < len(whole) <= EPC_BYTES_MAX:
        return Broken(field, f"1 to {EPC_BYTES_MAX} bytes")
    if epc_hex != whole.hex().upper():
        return Broken(field, "capitals without spaces")
    return None


def _mass_g(field: str, mass_g: int) -> Broken | None:
    if mass_g < 0:
        return Broken(field, "not negative")
    return None if mass_g <= MASS_G_MAX else Broken(field, f"at most {MASS_G_MAX}")


def _digest(field: str, sha256: str) -> Broken | None:
    is_digest = not sha256 or (len(sha256) == 64 and all(digit in "0123456789abcdef" for digit in sha256))
    return None if is_digest else Broken(field, "64 small hexadecimal digits")


def _tag_read(read: TagRead, _: Bounds) -> Broken | None:
    return (
        _epc("epc_hex", read.epc_hex)
        or _within("antenna", read.antenna, 1, 0xFFFF)
        or _within("rssi_cdbm", read.rssi_cdbm, -15_000, 3_000)
        or _within("seen_count", read.seen_count, 1, 0xFFFF)
        or (_epc("tid_hex", read.tid_hex) if read.tid_hex else None)
        or _within("event_number", read.event_number, 0, NUMBER_MAX)
    )


def _beam(state: BeamState, _: Bounds) -> Broken | None:
    return _within("beam", state.beam, 1, 0xFFFF)


def _mass(mass: MassReading, _: Bounds) -> Broken | None:
    return (
        _mass_g("mass_g", mass.mass_g)
        or _mass_g("tare_g", mass.tare_g)
        or _within("weight_id", mass.weight_id, 1, NUMBER_MAX)
        or _within("axle_count", mass.axle_count, 0, 100)
        or _text("alibi_id", mass.alibi_id)
    )


def _position(position: PositionReading, bounds: Bounds) -> Broken | None:
    carried = position.load_epc_hex
    return (
        _within("speed_mps", position.speed_mps, 0, 100)
        or _within("heading_deg", position.heading_deg, -360, 360)
        or _within("satellites", position.satellites, 0, 255)
        or _placed(position, bounds)
        or _within("sigma_m", position.sigma_m, 0, 1_000)
        or (None if carried is None else _epc("load_epc_hex", carried))
    )


def _placed(reading: PositionReading | LoadChange, bounds: Bounds) -> Broken | None:
    return _wgs84(reading.point) if reading.frame == "wgs84" else _in_site(reading.point, bounds)


def _wgs84(point: Point) -> Broken | None:
    if not (-180.0 <= point.x_m <= 180.0 and -90.0 <= point.y_m <= 90.0):
        return Broken("point", "longitude within 180, latitude within 90 degrees")
    if point.x_m == 0.0 and point.y_m == 0.0:
        return Broken("point", "a fix; receivers without one say 0, 0")
    return _within("point.z_m", point.z_m, -500, 9_000)


def _in_site(point: Point, bounds: Bounds) -> Broken | None:
    # Comparisons are written so that NaN fails them.
    if not -MARGIN_M <= point.x_m <= bounds.width_m + MARGIN_M:
        return Broken("point.x_m", "within the site")
    if not -MARGIN_M <= point.y_m <= bounds.length_m + MARGIN_M:
        return Broken("point.y_m", "within the site")
    if not -MARGIN_M <= point.z_m <= bounds.height_m + MARGIN_M:
        return Broken("point.z_m", "within the site")
    return None


def _load_change(change: LoadChange, bounds: Bounds) -> Broken | None:
    return (
        _epc("epc_hex", change.epc_hex)
        or _placed(change, bounds)
        or _within("sigma_m", change.sigma_m, 0, 1_000)
    )


def _scan(scan: CodeScan, _: Bounds) -> Broken | None:
    return (
        _text("code", scan.code, may_be_empty=False)
        or _text("symbology", scan.symbology)
        or _text("place_code", scan.place_code)
        or _text("task_id", scan.task_id)
    )


def _slot_sight(sight: SlotSight, _: Bounds) -> Broken | None:
    lists = {"occupied": sight.occupied, "empty": sight.empty, "unclear": sight.unclear}
    slots = [slot for listed in lists.values() for slot in listed]
    if len(slots) > SLOTS_MAX:
        return Broken("occupied", f"at most {SLOTS_MAX} slots in view")
    if len(set(slots)) < len(slots):
        return Broken("occupied", "each slot once, in one list")
    if slots and sight.state != "fresh":
        return Broken("state", "fresh, when slots are told of")
    return _first(
        *(_texts(field, listed) for field, listed in lists.items()),
        _within("pallet_count", sight.pallet_count, 0, SLOTS_MAX),
        _within("frame_id", sight.frame_id, 0, NUMBER_MAX),
        _digest("snapshot_sha256", sight.snapshot_sha256),
        _digest("picture_sha256", sight.picture_sha256),
    )


def _code_sight(sight: CodeSight, _: Bounds) -> Broken | None:
    return (
        _text("code", sight.code, may_be_empty=False)
        or _text("symbology", sight.symbology)
        or _text("slot_id", sight.slot_id)
        or _within("x_px", sight.x_px, 0, 0xFFFF)
        or _within("y_px", sight.y_px, 0, 0xFFFF)
        or _digest("snapshot_sha256", sight.snapshot_sha256)
    )


def _plate(plate: PlateRead, _: Bounds) -> Broken | None:
    return (
        _text("plate", plate.plate, may_be_empty=False)
        or _within("confidence_permille", plate.confidence_permille, 0, 1_000)
        or _within("lane", plate.lane, 0, 255)
        or _digest("snapshot_sha256", plate.snapshot_sha256)
    )


def _animal(beacon: AnimalBeacon, _: Bounds) -> Broken | None:
    try:
        if animal_id(beacon.animal_id, beacon.id_scheme).digits != beacon.animal_id:
            return Broken("animal_id", "15 digits")
    except WrongAnimalId as error:
        return Broken("animal_id", str(error))
    if len(beacon.burst_mg) > BURST_SAMPLES_MAX:
        return Broken("burst_mg", f"at most {BURST_SAMPLES_MAX} samples")
    return _first(
        _within("counter", beacon.counter, 0, NUMBER_MAX),
        _text("key_id", beacon.key_id),
        _within("rssi_cdbm", beacon.rssi_cdbm, -20_000, 3_000),
        _within("temperature_mc", beacon.temperature_mc, -60_000, 70_000),
        _within("motion_mg", beacon.motion_mg, 0, 32_000),
        _within("lying_permille", beacon.lying_permille, 0, 1_000),
        _within("burst_hz", beacon.burst_hz, 0, 400),
        _within("battery_mv", beacon.battery_mv, 0, 20_000),
        *(_within("burst_mg", axis, -32_000, 32_000) for axis in _extremes(beacon.burst_mg)),
    )


def _extremes(samples: Sequence[Sequence[int]]) -> Sequence[int]:
    """The lowest and the highest of all axes; a burst has hundreds."""
    axes = [axis for sample in samples for axis in sample]
    return (min(axes), max(axes)) if axes else ()


def _station(beat: StationBeat, _: Bounds) -> Broken | None:
    return (
        _within("uptime_s", beat.uptime_s, 0, NUMBER_MAX)
        or _within("heard_count", beat.heard_count, 0, NUMBER_MAX)
        or _within("battery_mv", beat.battery_mv, 0, 100_000)
    )


def _feed_weight(weight: FeedWeight, _: Bounds) -> Broken | None:
    return _mass_g("mass_g", weight.mass_g)


def _feed_event(event: FeedEvent, _: Bounds) -> Broken | None:
    named = event.ingredient if event.action == "load" else event.pen
    return (
        _mass_g("mass_g", event.mass_g)
        or _mass_g("target_g", event.target_g)
        or _text("ration", event.ration)
        or _text("ingredient" if event.action == "load" else "pen", named, may_be_empty=False)
        or _text("batch", event.batch)
    )


def _environment(seen: Environment, _: Bounds) -> Broken | None:
    return (
        _within("temperature_mc", seen.temperature_mc, -90_000, 200_000)
        or _within("humidity_permille", seen.humidity_permille, 0, 1_000)
        or _within("battery_mv", seen.battery_mv, 0, 100_000)
    )


def _uplink(uplink: UplinkHeard, _: Bounds) -> Broken | None:
    if len(uplink.heard) > GATEWAYS_MAX:
        return Broken("heard", f"at most {GATEWAYS_MAX} gateways")
    return _first(
        _within("counter", uplink.counter, 0, NUMBER_MAX),
        *(_text("heard.gateway", heard.gateway, may_be_empty=False) for heard in uplink.heard),
        *(_within("heard.rssi_cdbm", heard.rssi_cdbm, -20_000, 3_000) for heard in uplink.heard),
        *(_within("heard.snr_cdb", heard.snr_cdb, -5_000, 10_000) for heard in uplink.heard),
    )


def _terminal_alarm(alarm: TerminalAlarm, _: Bounds) -> Broken | None:
    if not 0 < len(alarm.alarms) <= 64:
        return Broken("alarms", "1 to 64 names")
    return _first(*(_text("alarms", name, may_be_empty=False) for name in alarm.alarms))


def _line_count(counted: LineCount, _: Bounds) -> Broken | None:
    return _text("line", counted.line, may_be_empty=False) or _within("count", counted.count, 0, NUMBER_MAX)


def _label(printed: LabelPrinted, _: Bounds) -> Broken | None:
    return _text("job_id", printed.job_id, may_be_empty=False) or _text("reason", printed.reason)


RULES: Mapping[type[Reading], Callable[[Any, Bounds], Broken | None]] = {
    TagRead: _tag_read,
    BeamState: _beam,
    MassReading: _mass,
    PositionReading: _position,
    LoadChange: _load_change,
    CodeScan: _scan,
    SlotSight: _slot_sight,
    CodeSight: _code_sight,
    PlateRead: _plate,
    LineCount: _line_count,
    AnimalBeacon: _animal,
    StationBeat: _station,
    FeedWeight: _feed_weight,
    FeedEvent: _feed_event,
    Environment: _environment,
    UplinkHeard: _uplink,
    TerminalAlarm: _terminal_alarm,
    LabelPrinted: _label,
}
"""A barrier, a signal and a device's own status say nothing that could be out of range."""
