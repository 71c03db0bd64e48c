"""Which readings may enter the journal, rule by rule."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from devices.ingest.model import (
    EARLIEST,
    Received,
    Registration,
    check,
    reading_kind,
    rejected,
)
from devices.ingest.readings import Bounds, Broken
from devices.messages import CLOCK_AHEAD_MAX
from kernel.geometry import Point
from kernel.messages import (
    AnyReading,
    BarrierState,
    BeamState,
    CodeScan,
    DeviceStatus,
    LoadChange,
    MassReading,
    Observation,
    PositionReading,
    TagRead,
)

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BOUNDS = Bounds(width_m=120.0, length_m=84.0, height_m=9.0)
EPC = "3178E61C883950F59A000000"
FAMILY = {
    TagRead: "llrp",
    BeamState: "llrp",
    MassReading: "modbus_weighbridge",
    BarrierState: "modbus_barrier",
    PositionReading: "mqtt_position",
    LoadChange: "mqtt_position",
    CodeScan: "pda",
    DeviceStatus: "pda",
}


def a_tag(**changes: object) -> TagRead:
    return TagRead(**{"epc_hex": EPC, "antenna": 1, "rssi_cdbm": -5700, **changes})  # type: ignore[arg-type]


def a_mass(**changes: object) -> MassReading:
    return MassReading(**{"mass_g": 15_000_000, "weight_id": 7, **changes})  # type: ignore[arg-type]


def at(x_m: float, y_m: float, z_m: float = 0.0, **changes: object) -> PositionReading:
    return PositionReading(point=Point(x_m, y_m, z_m), **changes)  # type: ignore[arg-type]


def verdict(
    reading: AnyReading,
    *,
    observed_at: datetime = NOW,
    retired_at: datetime | None = None,
    family: str = "",
    **changes: object,
) -> Broken | None:
    observation = Observation(
        **{"device_id": "d", "boot": 1, "sequence": 1, **changes},  # type: ignore[arg-type]
        observed_at=observed_at,
        reading=reading,
    )
    device = Registration(
        device_id="d", site_id="s", family=family or FAMILY[type(reading)], retired_at=retired_at
    )
    return check(Received(observation=observation, received_at=NOW), "s", device, BOUNDS)


@pytest.mark.parametrize(
    "reading",
    [
        a_tag(),
        a_tag(event_number=5_059),
        BeamState(beam=2, is_broken=True),
        a_mass(),
        a_mass(mass_g=0),
        BarrierState(is_open=False, is_closed=True, loop_occupied=False),
        at(0.0, 0.0),
        at(120.0, 84.0, 9.0, load_epc_hex=EPC, speed_mps=3.0, heading_deg=-90.0),
        at(-5.0, -5.0),
        at(115.98, 29.71, 20.0, frame="wgs84"),
        LoadChange(action="set_down", epc_hex=EPC, point=Point(60.0, 40.0, 4.8)),
        CodeScan(code="00306141411234567890", place_code="A01-07-3"),
        CodeScan(code="0109501101530003\x1d10AB"),
        DeviceStatus(state="gap", gap_s=3.0),
    ],
    ids=lambda reading: type(reading).__name__,
)
def test_a_sound_reading_enters(reading: AnyReading) -> None:
    assert verdict(reading) is None


@pytest.mark.parametrize(
    ("reading", "field"),
    [
        (a_tag(epc_hex="XYZ"), "epc_hex"),
        (a_tag(epc_hex="ABC"), "epc_hex"),
        (a_tag(epc_hex=""), "epc_hex"),
        (a_tag(epc_hex=EPC.lower()), "epc_hex"),
        (a_tag(epc_hex="AB" * 63), "epc_hex"),
        (a_tag(antenna=0), "antenna"),
        (a_tag(rssi_cdbm=3_001), "rssi_cdbm"),
        (a_tag(seen_count=0), "seen_count"),
        (a_tag(event_number=-1), "event_number"),
        (a_tag(event_number=2**53), "event_number"),
        (BeamState(beam=0, is_broken=True), "beam"),
        (a_mass(mass_g=-1), "mass_g"),
        (a_mass(mass_g=200_000_001), "mass_g"),
        (a_mass(weight_id=0), "weight_id"),
        (a_mass(axle_count=-1), "axle_count"),
        (at(float("nan"), 1.0), "point.x_m"),
        (at(1.0, float("inf")), "point.y_m"),
        (at(171.0, 1.0), "point.x_m"),
        (at(1.0, 1.0, 80.0), "point.z_m"),
        (at(1.0, 1.0, sigma_m=-0.1), "sigma_m"),
        (at(1.0, 1.0, speed_mps=101.0), "speed_mps"),
        (at(1.0, 1.0, heading_deg=float("nan")), "heading_deg"),
        (at(1.0, 1.0, load_epc_hex="no"), "load_epc_hex"),
        (at(0.0, 0.0, frame="wgs84"), "point"),
        (at(181.0, 0.0, frame="wgs84"), "point"),
        (LoadChange(action="picked_up", epc_hex=EPC, point=Point(1.0, 999.0)), "point.y_m"),
        (CodeScan(code=""), "code"),
        (CodeScan(code="A" * 513), "code"),
        (CodeScan(code="A\x00"), "code"),
        (CodeScan(code="A", task_id="\x00"), "task_id"),
    ],
)
def test_an_impossible_value_is_refused_by_its_field(reading: AnyReading, field: str) -> None:
    broken = verdict(reading)
    assert broken is not None
    assert broken.field == field


def test_a_clock_may_be_a_little_ahead_and_no_more() -> None:
    assert verdict(a_mass(), observed_at=NOW + CLOCK_AHEAD_MAX) is None
    ahead = verdict(a_mass(), observed_at=NOW + CLOCK_AHEAD_MAX + timedelta(milliseconds=1))
    assert ahead == Broken("observed_at", "at most 300 s in the future")


@pytest.mark.parametrize("year", [1970, 2000, 2019])
def test_a_clock_that_lost_its_battery_is_not_believed(year: int) -> None:
    broken = verdict(a_mass(), observed_at=datetime(year, 1, 1, tzinfo=UTC))
    assert broken == Broken("observed_at", "not before 2020-01-01")
    assert verdict(a_mass(), observed_at=EARLIEST) is None


def test_late_is_not_wrong() -> None:
    assert verdict(a_mass(), observed_at=NOW - timedelta(days=30)) is None


def test_the_zone_of_a_moment_does_not_matter_but_it_must_have_one() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert verdict(a_mass(), observed_at=NOW.astimezone(shanghai)) is None
    broken = verdict(a_mass(), observed_at=NOW.replace(tzinfo=None))
    assert broken == Broken("observed_at", "carries a time zone")


def test_a_retired_device_is_believed_about_the_time_before_only() -> None:
    retired_at = NOW - timedelta(hours=1)
    before = verdict(a_mass(), observed_at=NOW - timedelta(hours=2), retired_at=retired_at)
    assert before is None
    assert verdict(a_mass(), retired_at=retired_at) == Broken("device_id", "not retired")


def test_a_device_reports_what_its_family_reports() -> None:
    assert verdict(a_tag(), family="modbus_weighbridge") == Broken(
        "reading.kind", "a kind that modbus_weighbridge reports"
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"boot": -1}, "boot"), ({"boot": 2**53}, "boot"), ({"sequence": 0}, "sequence")],
)
def test_an_identity_is_made_of_countable_numbers(changes: dict[str, int], field: str) -> None:
    broken = verdict(a_mass(), **changes)
    assert broken is not None
    assert broken.field == field


def test_what_is_set_aside_keeps_its_identity_and_its_content() -> None:
    observation = Observation(device_id="d", boot=3, sequence=9, observed_at=NOW, reading=a_mass(mass_g=-1))
    entry = rejected(Received(observation=observation, received_at=NOW), Broken("mass_g", "not negative"))
    assert (entry.device_id, entry.boot, entry.sequence) == ("d", 3, 9)
    assert (entry.field, entry.rule) == ("mass_g", "not negative")
    assert msgspec.json.decode(entry.raw, type=Observation) == observation


def test_the_journals_kind_is_the_wire_name() -> None:
    observation = Observation(device_id="d", boot=1, sequence=1, observed_at=NOW, reading=a_tag())
    assert reading_kind(observation) == "tag_read"
