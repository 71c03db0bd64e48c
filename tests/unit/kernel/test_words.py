"""Ids, clock, rng, money and places."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.clock import ManualClock, require_utc
from kernel.errors import Invalid
from kernel.geometry import Origin, Point, Transform, distance_m, site_from_wgs84, wgs84_from_site
from kernel.ids import Ids
from kernel.layout import Rack, nearest_slot, slots_of
from kernel.money import AMOUNT_FEN_MAX, Money, interest_act_360_fen
from kernel.rng import Rng

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_ids_sort_by_the_time_they_were_made() -> None:
    clock = ManualClock(NOON)
    ids = Ids.unguessable(clock)
    made = []
    for _ in range(50):
        clock.advance(0.002)
        made.append(ids.new("lot"))
    assert made == sorted(made)
    assert len(set(made)) == 50
    assert all(name.startswith("lot_") and len(name) == 30 for name in made)


def test_seeded_ids_repeat_with_the_seed() -> None:
    first = Ids.seeded(ManualClock(NOON), Rng(5)).new("unit")
    assert first == Ids.seeded(ManualClock(NOON), Rng(5)).new("unit")
    assert first != Ids.seeded(ManualClock(NOON), Rng(6)).new("unit")


def test_a_child_stream_does_not_depend_on_how_much_its_parent_was_used() -> None:
    untouched, used = Rng(3), Rng(3)
    used.bytes(100)
    assert untouched.child("doors").bytes(16) == used.child("doors").bytes(16)


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="observed_at must carry a time zone"):
        require_utc(datetime(2026, 1, 1), "observed_at")  # noqa: DTZ001


def test_interest_of_a_quarter_is_exact() -> None:
    """1,000,000.00 CNY at 4.35 % for 90 days: 1,000,000 x 0.0435 x 90 / 360 = 10,875.00."""
    start = date(2026, 1, 1)
    assert interest_act_360_fen(100_000_000, "0.0435", start, start + timedelta(days=90)) == 1_087_500


def test_halves_of_a_fen_round_up() -> None:
    """1 fen over 180 days at 100 % is half a fen."""
    start = date(2026, 1, 1)
    assert interest_act_360_fen(1, "1", start, start + timedelta(days=180)) == 1


def test_interest_never_runs_backwards() -> None:
    with pytest.raises(Invalid):
        interest_act_360_fen(100, "0.05", date(2026, 2, 1), date(2026, 1, 1))


def test_money_beyond_what_every_reader_holds_exactly_is_refused() -> None:
    with pytest.raises(Invalid):
        Money(AMOUNT_FEN_MAX + 1)


@given(x=st.floats(-500, 500), y=st.floats(-500, 500), turn=st.integers(0, 359))
def test_a_transform_keeps_distances(x: float, y: float, turn: int) -> None:
    site_from_rack = Transform(x_m=10, y_m=-4, z_m=1, rotation_deg=float(turn))
    a, b = site_from_rack.apply(Point(0, 0)), site_from_rack.apply(Point(x, y))
    assert distance_m(a, b) == pytest.approx(distance_m(Point(0, 0), Point(x, y)), abs=1e-6)


def test_a_minute_of_latitude_has_its_length_on_the_ellipsoid() -> None:
    """1,847.5 m at 30 degrees north on WGS 84 (meridian radius of curvature 6,351,377 m)."""
    point = site_from_wgs84(Origin(30.0, 116.0), 30.0 + 1 / 60, 116.0)
    assert point.y_m == pytest.approx(1847.5, abs=0.2)
    assert point.x_m == pytest.approx(0.0, abs=1e-6)


@given(
    latitude_deg=st.floats(-80, 80),
    longitude_deg=st.floats(-179, 179),
    north_deg=st.floats(-0.2, 0.2),
    east_deg=st.floats(-0.2, 0.2),
)
def test_a_place_far_from_the_origin_is_where_the_ellipsoid_has_it(
    latitude_deg: float, longitude_deg: float, north_deg: float, east_deg: float
) -> None:
    """Two identities of the ellipsoid, by its reduced latitude: east is the place's own distance from the
    axis times the sine of the angle between the meridians; the chord is the one between both places."""
    flattening = 1 / 298.257223563

    def from_axis_and_equator(latitude_deg: float) -> tuple[float, float]:
        reduced = math.atan((1 - flattening) * math.tan(math.radians(latitude_deg)))
        return 6_378_137.0 * math.cos(reduced), 6_378_137.0 * (1 - flattening) * math.sin(reduced)

    point = site_from_wgs84(
        Origin(latitude_deg, longitude_deg), latitude_deg + north_deg, longitude_deg + east_deg
    )
    (axis_m, up_m), (here_m, level_m) = map(from_axis_and_equator, (latitude_deg + north_deg, latitude_deg))
    turn = math.radians(east_deg)
    assert point.x_m == pytest.approx(axis_m * math.sin(turn), abs=1e-4)
    across = 4 * here_m * axis_m * math.sin(turn / 2) ** 2
    squared = (axis_m - here_m) ** 2 + across + (up_m - level_m) ** 2
    below_m = (point.x_m**2 + point.y_m**2) / (2 * 6_371_000)
    chord_m = math.sqrt(squared)
    assert math.hypot(point.x_m, point.y_m, below_m) == pytest.approx(chord_m, rel=1e-6, abs=1e-4)


def test_a_turned_site_has_its_own_north() -> None:
    """Its y axis points east: a place to the east lies ahead, one to the north to the left."""
    origin = Origin(29.7, 116.0, 20.0, rotation_deg=-90.0)
    east = site_from_wgs84(origin, 29.7, 116.001, 25.0)
    assert (east.x_m, east.y_m) == pytest.approx((0.0, 96.775), abs=0.01)
    assert east.z_m == 5.0
    north = site_from_wgs84(origin, 29.701, 116.0)
    assert (north.x_m, north.y_m) == pytest.approx((-110.847, 0.0), abs=0.01)


@given(
    latitude_deg=st.floats(-70, 70),
    turn_deg=st.floats(-180, 180),
    x_m=st.floats(-2_000, 2_000),
    y_m=st.floats(-2_000, 2_000),
    z_m=st.floats(-10, 100),
)
def test_a_point_of_the_site_is_found_again_on_earth(
    latitude_deg: float, turn_deg: float, x_m: float, y_m: float, z_m: float
) -> None:
    origin = Origin(latitude_deg, 116.0, 20.0, rotation_deg=turn_deg)
    there = site_from_wgs84(origin, *wgs84_from_site(origin, Point(x_m, y_m, z_m)))
    assert distance_m(there, Point(x_m, y_m, z_m)) < 1e-6


def test_slots_stand_inside_their_rack_and_find_themselves() -> None:
    rack = Rack(rack_id="A01", zone_id="z", x_mm=1000, y_mm=2000, rotation_deg=90, bays=3, levels=2)
    slots = slots_of(rack)
    assert [slot.slot_id for slot in slots[:3]] == ["A01-01-1", "A01-01-2", "A01-02-1"]
    assert all(-0.1 <= slot.centre.x_m <= 1.0 and 2.0 <= slot.centre.y_m <= 6.2 for slot in slots)
    for slot in slots:
        assert nearest_slot(slots, slot.centre, 0.5) == slot
    assert nearest_slot(slots, Point(50, 50), 0.7) is None
