"""Masses in grams, loads at rest, and devices that send too much: what several drivers share."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from devices.transport.decoding import FieldRejected
from devices.transport.limit import Limit
from devices.transport.numbering import REJECTED_PER_MINUTE_MAX, Numbered
from devices.transport.presence import Presence
from devices.transport.weighing import (
    OVERLOAD,
    UNDER_ZERO,
    Settings,
    Shown,
    Standstill,
    grams,
    grams_of_float,
)
from kernel.clock import ManualClock
from kernel.messages import DeviceStatus, Rejected

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
SETTINGS = Settings(settle_s=1.0, capture_min_g=10_000, change_g=2_000)
Look = tuple[float, int, str]
"""Seconds from the start, grams, and what the scale says: `stable`, `moving` or a trouble."""


def told(*looks: Look, standstill: Standstill | None = None) -> list[tuple[float, str]]:
    """At which second the standstill told what."""
    standstill = standstill or Standstill(SETTINGS)
    found = []
    for second, mass_g, says in looks:
        shown = Shown(
            mass_g=mass_g,
            is_stable=says != "moving",
            trouble="" if says in ("stable", "moving") else says,
        )
        verdict = standstill.look(shown, START + timedelta(seconds=second))
        found += [(second, verdict)] if verdict else []
    return found


@pytest.mark.parametrize(
    ("value", "unit", "mass_g"),
    [
        ("100.00", "g", 100),
        ("15060", "kg", 15_060_000),
        ("15.060", "t", 15_060_000),
        ("1", "lb", 454),
        ("33201.6", "lb", 15_059_992),
        ("-0.5", "kg", -500),
        ("0.0005", "kg", 0),
        ("0.0015", "kg", 2),
    ],
)
def test_a_mass_is_whole_grams_whatever_its_unit(value: str, unit: str, mass_g: int) -> None:
    assert grams(Decimal(value), unit) == mass_g


@pytest.mark.parametrize(
    ("value", "unit", "field"),
    [
        ("1", "oz", "unit"),
        ("NaN", "kg", "mass"),
        ("Infinity", "t", "mass"),
        ("200000.001", "kg", "mass"),
        ("-201", "t", "mass"),
        ("1E+999999", "g", "mass"),
    ],
)
def test_what_is_no_mass_is_refused_by_name(value: str, unit: str, field: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        grams(Decimal(value), unit)
    assert refused.value.field == field


def test_a_binary_number_counts_as_far_as_its_format_holds_digits() -> None:
    single_60_02_t = 60.02000045776367
    assert grams_of_float(single_60_02_t, "t", 7) == 60_020_000
    with pytest.raises(FieldRejected):
        grams_of_float(float("nan"), "kg", 7)


def test_a_load_at_rest_is_captured_once() -> None:
    looks = [(0, 0, "stable"), (1, 50_000, "moving"), (2, 80_000, "stable"), (2.5, 80_000, "stable")]
    assert told(*looks, (3, 80_000, "stable"), (4, 80_500, "stable"), (60, 80_000, "stable")) == [
        (3, "captured")
    ]


def test_the_same_mass_is_another_load_once_the_platform_was_empty() -> None:
    first = [(0, 0, "stable"), (1, 80_000, "stable"), (2, 80_000, "stable")]
    second = [(3, 4_000, "moving"), (4, 80_000, "stable"), (5, 80_000, "stable")]
    assert told(*first, *second) == [(2, "captured"), (5, "captured")]


def test_a_platform_that_springs_below_zero_is_empty() -> None:
    first = [(0, 0, "stable"), (1, 80_000, "stable"), (2, 80_000, "stable")]
    second = [(3, -500, UNDER_ZERO), (4, 80_000, "stable"), (5, 80_000, "stable")]
    assert told(*first, *second) == [(2, "captured"), (5, "captured")]


def test_a_second_pallet_on_the_first_is_a_weighing_of_its_own() -> None:
    looks = [(0, 0, "stable"), (1, 80_000, "stable"), (2, 80_000, "stable")]
    assert told(*looks, (3, 150_000, "stable"), (4, 150_000, "stable")) == [(2, "captured"), (4, "captured")]


def test_a_load_that_moves_before_it_settled_is_not_captured() -> None:
    looks = [(0, 0, "stable"), (1, 80_000, "stable"), (1.5, 80_000, "moving"), (2, 80_000, "stable")]
    assert told(*looks, (2.9, 80_000, "stable")) == []


def test_an_overload_is_never_captured_however_stable() -> None:
    assert told((0, 0, "stable"), *[(second, 80_000, OVERLOAD) for second in range(1, 9)]) == []


def test_a_load_that_stood_there_at_the_start_is_told_once_and_not_captured() -> None:
    looks = [(second, 80_000, "stable") for second in range(4)]
    assert told(*looks, (5, 80_000, "moving"), (6, 80_000, "stable"), (8, 80_000, "stable")) == [
        (1, "unseen")
    ]


def test_an_unseen_load_that_leaves_makes_room_for_the_next() -> None:
    looks = [(0, 80_000, "stable"), (1, 0, "moving"), (2, 80_000, "stable"), (3, 80_000, "stable")]
    assert told(*looks) == [(3, "captured")]


def test_taring_a_load_that_was_captured_is_no_second_load() -> None:
    standstill = Standstill(SETTINGS)
    told((0, 0, "stable"), (1, 80_000, "stable"), (2, 80_000, "stable"), standstill=standstill)
    tared = Shown(mass_g=0, is_stable=True, basis="net", tare_g=80_000)
    assert [standstill.look(tared, START + timedelta(seconds=second)) for second in (3, 5)] == [None, None]
    assert told((6, 80_000, "stable"), (9, 80_000, "stable"), standstill=standstill) == []


def test_nothing_rests_while_the_line_was_cut() -> None:
    standstill = Standstill(SETTINGS)
    told((0, 0, "stable"), (1, 80_000, "stable"), standstill=standstill)
    standstill.interrupt()
    assert told((9, 80_000, "stable"), (10, 80_000, "stable"), standstill=standstill) == [(10, "captured")]


@pytest.mark.parametrize("wrong", [{"settle_s": -1}, {"capture_min_g": 0}, {"change_g": -1}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        Settings(**wrong)


def test_a_limit_admits_so_many_in_a_period_and_then_the_next() -> None:
    limit = Limit(2)
    assert [limit.admits(START) for _ in range(3)] == [True, True, False]
    assert limit.is_exceeded
    assert limit.admits(START + timedelta(seconds=1))
    assert limit.is_exceeded, "one slow period does not make a device slow"
    assert limit.admits(START + timedelta(seconds=2))
    assert not limit.is_exceeded


def test_a_device_that_sends_only_rubbish_is_set_aside_up_to_a_bound_and_told() -> None:
    clock = ManualClock(START)
    numbered = Numbered("scale", 3, clock)
    error = FieldRejected("frame", "a frame")
    items = [item for n in range(200) for item in numbered.rejected(error, b"%d" % n)]
    assert [type(item) for item in items[:-1]] == [Rejected] * REJECTED_PER_MINUTE_MAX
    assert isinstance(items[-1].reading, DeviceStatus)  # type: ignore[union-attr]
    clock.advance(60)
    assert len(numbered.rejected(error, b"later")) == 1


def test_the_same_rubbish_is_set_aside_once_until_something_good_came() -> None:
    numbered = Numbered("scale", 3, ManualClock(START))
    error = FieldRejected("frame", "a frame")
    assert [len(numbered.rejected(error, b"bad")) for _ in range(3)] == [1, 0, 0]
    numbered.well_formed()
    assert len(numbered.rejected(error, b"bad")) == 1


def test_a_trouble_is_stated_once_and_so_is_its_end() -> None:
    presence = Presence(START)
    presence.heard(START)
    reasons = ["", OVERLOAD, OVERLOAD, UNDER_ZERO, "", ""]
    said = [[status.state, status.reason] for reason in reasons for status in presence.troubled(reason)]
    assert said == [["fault", OVERLOAD], ["fault", UNDER_ZERO], ["online", ""]]
