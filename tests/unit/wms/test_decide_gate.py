"""The gate opens for what is expected or released, and for nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wms.dispatch.model import (
    AtGate,
    Decision,
    Held,
    LiveRelease,
    LiveVisit,
    decide_gate,
    room_of,
    tolerance_of,
)

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
EMPTY_TRUCK_G = 12_000_000
PALLET_G = 600_000


def seen(**changes: Any) -> AtGate:
    facts: dict[str, Any] = {
        "site_id": "site-a",
        "gate_id": "gate-1",
        "vehicle_id": "vehicle-b",
        "direction": "out",
        "unit_ids": [],
        "unknown_epcs": [],
        "mass_g": EMPTY_TRUCK_G,
        "entry_mass_g": EMPTY_TRUCK_G,
        "at": NOW,
        "evidence_ids": ["gate-1-reader:1:7"],
    }
    return AtGate(**{**facts, **changes})


def a_release(*unit_ids: str, **changes: Any) -> LiveRelease:
    release = LiveRelease(
        "release-1",
        "gate-1",
        NOW - timedelta(minutes=5),
        NOW + timedelta(minutes=55),
        frozenset(unit_ids),
        PALLET_G * len(unit_ids),
        frozenset(unit_ids),
    )
    return release._replace(**changes)


INSIDE = LiveVisit("visit-1", "admitted", EMPTY_TRUCK_G)


def decide(
    at_gate: AtGate, visit: LiveVisit | None, *releases: LiveRelease, held: Held | None = None
) -> Decision:
    return decide_gate(at_gate, visit, releases, NOW, held)


def test_an_expected_vehicle_is_let_in() -> None:
    decision = decide(seen(direction="in", mass_g=None), LiveVisit("visit-1", "expected", None))
    assert decision.opened
    assert decision.reason_key == "gate.expected"


@pytest.mark.parametrize(
    ("visit", "reason"),
    [(None, "gate.not_expected"), (INSIDE, "gate.already_inside")],
)
def test_a_vehicle_that_is_not_expected_stays_outside(visit: LiveVisit | None, reason: str) -> None:
    decision = decide(seen(direction="in"), visit)
    assert (decision.opened, decision.reason_key) == (False, reason)


def test_released_goods_of_the_right_mass_leave_and_use_up_the_release() -> None:
    loaded = seen(unit_ids=["p1", "p2"], mass_g=EMPTY_TRUCK_G + 2 * PALLET_G)
    decision = decide(loaded, INSIDE, a_release("p1", "p2"))
    assert decision.opened
    assert decision.release_ids == ("release-1",)


def test_a_released_pallet_with_a_silent_tag_leaves_when_the_mass_agrees() -> None:
    loaded = seen(unit_ids=["p1"], mass_g=EMPTY_TRUCK_G + 2 * PALLET_G)
    assert decide(loaded, INSIDE, a_release("p1", "p2")).opened


def test_one_pallet_more_than_released_keeps_the_gate_shut() -> None:
    loaded = seen(unit_ids=["p1", "p2", "p3"], mass_g=EMPTY_TRUCK_G + 3 * PALLET_G)
    decision = decide(loaded, INSIDE, a_release("p1", "p2"))
    assert (decision.opened, decision.reason_key) == (False, "gate.not_released")
    assert decision.facts["unit_ids"] == ["p3"]


def test_a_hidden_pallet_without_a_tag_is_found_by_its_mass() -> None:
    loaded = seen(unit_ids=["p1"], mass_g=EMPTY_TRUCK_G + 2 * PALLET_G)
    decision = decide(loaded, INSIDE, a_release("p1"))
    assert (decision.opened, decision.reason_key) == (False, "gate.too_heavy")


def test_a_load_lighter_than_released_stays() -> None:
    loaded = seen(unit_ids=["p1"], mass_g=EMPTY_TRUCK_G + PALLET_G)
    decision = decide(loaded, INSIDE, a_release("p1", "p2"))
    assert (decision.opened, decision.reason_key) == (False, "gate.too_light")


def test_goods_without_any_release_stay() -> None:
    loaded = seen(unit_ids=["p1"], mass_g=EMPTY_TRUCK_G + PALLET_G)
    assert decide(loaded, INSIDE).reason_key == "gate.not_released"


def test_an_expired_release_lets_nothing_out() -> None:
    loaded = seen(unit_ids=["p1"], mass_g=EMPTY_TRUCK_G + PALLET_G)
    late = a_release("p1", valid_until=NOW - timedelta(seconds=1))
    assert decide(loaded, INSIDE, late).reason_key == "gate.release_expired"


def test_a_release_of_another_gate_lets_nothing_out_here() -> None:
    loaded = seen(unit_ids=["p1"], mass_g=EMPTY_TRUCK_G + PALLET_G)
    assert decide(loaded, INSIDE, a_release("p1", gate_id="gate-2")).reason_key == "gate.release_other_gate"


def test_an_expired_release_hidden_behind_an_empty_truck_is_judged_by_mass_alone() -> None:
    late = a_release("p1", valid_until=NOW - timedelta(seconds=1))
    decision = decide(seen(mass_g=EMPTY_TRUCK_G + PALLET_G), INSIDE, late)
    assert (decision.opened, decision.reason_key) == (False, "gate.too_heavy")


def test_nothing_leaves_before_it_was_weighed() -> None:
    assert (
        decide(seen(unit_ids=["p1"], mass_g=None), INSIDE, a_release("p1")).reason_key == "gate.not_weighed"
    )


def test_nothing_leaves_whose_mass_at_entry_nobody_knows() -> None:
    visit = LiveVisit("visit-1", "admitted", None)
    assert decide(seen(entry_mass_g=None), visit).reason_key == "gate.no_entry_mass"


def test_a_tag_that_nobody_declared_stays() -> None:
    decision = decide(seen(unknown_epcs=["3" * 24]), INSIDE)
    assert (decision.opened, decision.reason_key) == (False, "gate.unknown_tags")


def test_a_delivery_leaves_empty_after_unloading() -> None:
    gross = EMPTY_TRUCK_G + 12 * PALLET_G
    visit = LiveVisit("visit-1", "admitted", gross, unloaded_g=12 * PALLET_G)
    decision = decide(seen(entry_mass_g=gross), visit)
    assert (decision.opened, decision.reason_key) == (True, "gate.empty")


def test_a_delivery_that_is_heavier_than_what_it_should_have_left_stays() -> None:
    gross = EMPTY_TRUCK_G + 12 * PALLET_G
    visit = LiveVisit("visit-1", "admitted", gross, unloaded_g=12 * PALLET_G)
    decision = decide(seen(entry_mass_g=gross, mass_g=EMPTY_TRUCK_G + PALLET_G), visit)
    assert (decision.opened, decision.reason_key) == (False, "gate.too_heavy")


def test_a_vehicle_without_a_stay_never_leaves_through_the_gate() -> None:
    assert decide(seen(), None).reason_key == "gate.no_visit"
    assert decide(seen(), LiveVisit("visit-1", "expected", None)).reason_key == "gate.no_visit"


@pytest.mark.parametrize(
    ("load_g", "tolerance_g"), [(0, 60_000), (12_000_000, 60_000), (24_000_000, 120_000)]
)
def test_tolerance_is_half_a_percent_and_at_least_three_divisions(load_g: int, tolerance_g: int) -> None:
    assert tolerance_of(load_g) == tolerance_g


@pytest.mark.parametrize(
    ("over_g", "opened"), [(60_000, True), (60_001, False), (-60_000, True), (-60_001, False)]
)
def test_the_tolerance_is_exact_on_both_sides(over_g: int, opened: bool) -> None:
    loaded = seen(unit_ids=["p1"], mass_g=EMPTY_TRUCK_G + PALLET_G + over_g)
    assert decide(loaded, INSIDE, a_release("p1")).opened is opened


@pytest.mark.parametrize(
    ("tagged", "heard", "held", "opened"),
    [
        (1, 1, True, True),
        (1, 0, True, False),
        (1, 0, False, True),
        (2, 1, True, False),
        (2, 1, False, True),
        (2, 0, False, False),
        (9, 8, True, False),
        (10, 9, True, True),
        (10, 8, True, False),
        (10, 8, False, False),
        (11, 9, True, False),
        (11, 9, False, True),
        (11, 8, False, False),
        (20, 18, True, True),
        (20, 17, True, False),
    ],
)
def test_one_released_tag_in_ten_may_stay_unread_and_begun_tens_count_only_while_nothing_is_held(
    tagged: int, heard: int, held: bool, opened: bool
) -> None:
    """Other pallets of the same mass, their tags hidden, would pass for those that are released."""
    units = [f"p{number:02d}" for number in range(tagged)]
    loaded = seen(unit_ids=units[:heard], mass_g=EMPTY_TRUCK_G + tagged * PALLET_G)
    decision = decide(loaded, INSIDE, a_release(*units), held=PLEDGED if held else None)
    assert decision.opened is opened
    assert decision.reason_key == ("gate.released" if opened else "gate.tags_unread")
    assert opened or decision.facts == {"count": tagged - heard, "unit_ids": units[heard:][:10]}


def parcels(mass_g: int) -> LiveRelease:
    ids = frozenset({"parcel-1", "parcel-2"})
    return a_release(unit_ids=ids, expected_mass_g=mass_g, tagged_ids=frozenset(), untagged_g=mass_g)


def test_while_nothing_is_held_parcels_of_any_mass_leave_unheard() -> None:
    assert decide(seen(mass_g=EMPTY_TRUCK_G + 2 * PALLET_G), INSIDE, parcels(2 * PALLET_G)).opened


# --- while goods are on hold ---------------------------------------------------------------------

PLEDGED = Held(PALLET_G, None)
ROOM_G = PALLET_G // 2
"""What may be aboard beside what is known: half a held pallet."""


@pytest.mark.parametrize(
    ("lightest_g", "tolerance_g", "room_g"),
    [
        (PALLET_G, 60_000, PALLET_G // 2),
        (100_000, 60_000, 60_000),
        (60_000, 60_000, 59_999),
        (120_000, 120_000, 119_999),
        (19_000, 60_000, 20_000),
    ],
)
def test_room_for_fuel_is_less_than_the_lightest_held_pallet_that_a_scale_can_tell(
    lightest_g: int, tolerance_g: int, room_g: int
) -> None:
    assert room_of(lightest_g, tolerance_g) == room_g


@pytest.mark.parametrize(
    ("lightest_g", "most_g"), [(PALLET_G, PALLET_G // 2), (100_000, 40_000), (50_000, 0)]
)
def test_what_leaves_without_tags_and_all_that_the_scale_may_err_by_are_less_than_a_held_pallet(
    lightest_g: int, most_g: int
) -> None:
    held = Held(lightest_g, None)
    for mass_g in (most_g, most_g + 1):
        decision = decide(seen(mass_g=EMPTY_TRUCK_G + mass_g), INSIDE, parcels(mass_g), held=held)
        assert decision.opened is (mass_g <= most_g)


@pytest.mark.parametrize(
    ("mass_g", "reason"),
    [(ROOM_G, "gate.released"), (ROOM_G + 1, "gate.untagged_load"), (PALLET_G, "gate.untagged_load")],
)
def test_goods_without_tags_that_weigh_what_a_held_pallet_weighs_stay(mass_g: int, reason: str) -> None:
    """Two parcels of 300 kg are released: a pledged pallet of 600 kg, its tag hidden, would pass for them."""
    decision = decide(seen(mass_g=EMPTY_TRUCK_G + mass_g), INSIDE, parcels(mass_g), held=PLEDGED)
    assert decision.reason_key == reason
    if not decision.opened:
        assert decision.facts == {"untagged_g": mass_g, "untagged_most_g": ROOM_G}


def test_fuel_and_goods_without_tags_share_the_room() -> None:
    known = Held(PALLET_G, EMPTY_TRUCK_G)
    came_at = EMPTY_TRUCK_G + 200_000
    loaded = seen(entry_mass_g=came_at, mass_g=came_at + 200_000)
    decision = decide(loaded, INSIDE, parcels(200_000), held=known)
    assert (decision.reason_key, decision.facts["untagged_most_g"]) == ("gate.untagged_load", 100_000)


UNLOADED = LiveVisit("visit-1", "admitted", EMPTY_TRUCK_G + 12 * PALLET_G, unloaded_g=12 * PALLET_G)
"""Twelve pallets by their notice."""


def after_unloading(mass_g: int, empty_g: int | None) -> Decision:
    """The truck that brought them wants out at `mass_g`, which agrees with its notice."""
    leaving = seen(mass_g=mass_g, entry_mass_g=mass_g + 12 * PALLET_G)
    return decide(leaving, UNLOADED, held=Held(PALLET_G, empty_g))


def test_a_vehicle_that_brought_goods_and_was_never_weighed_empty_is_for_a_person() -> None:
    assert after_unloading(EMPTY_TRUCK_G, None).reason_key == "gate.never_weighed_empty"


def test_a_vehicle_that_came_empty_for_the_first_time_is_bounded_by_its_mass_at_entry() -> None:
    assert decide(seen(), INSIDE, held=PLEDGED).reason_key == "gate.empty"


@pytest.mark.parametrize(
    ("over_g", "reason"),
    [
        (-300_000, "gate.empty"),
        (300_000, "gate.empty"),
        (ROOM_G, "gate.empty"),
        (ROOM_G + 1, "gate.heavier_than_empty"),
        (PALLET_G, "gate.heavier_than_empty"),
    ],
)
def test_a_vehicle_heavier_than_it_was_empty_by_a_held_pallet_stays_and_by_its_fuel_leaves(
    over_g: int, reason: str
) -> None:
    decision = after_unloading(EMPTY_TRUCK_G + over_g, EMPTY_TRUCK_G)
    assert decision.reason_key == reason
    if not decision.opened:
        assert decision.facts == {
            "mass_g": EMPTY_TRUCK_G + over_g,
            "empty_g": EMPTY_TRUCK_G,
            "most_over_g": ROOM_G,
        }


def test_an_empty_vehicle_that_came_heavier_than_it_was_before_stays() -> None:
    """It may have left ballast here, and have taken goods in its place."""
    came_at = EMPTY_TRUCK_G + PALLET_G
    decision = decide(seen(mass_g=came_at, entry_mass_g=came_at), INSIDE, held=Held(PALLET_G, EMPTY_TRUCK_G))
    assert decision.reason_key == "gate.heavier_than_empty"


@pytest.mark.parametrize(
    ("ballast_g", "reason"), [(0, "gate.released"), (PALLET_G, "gate.heavier_than_empty")]
)
def test_ballast_that_made_room_for_a_pallet_beside_a_release_is_told_by_the_empty_mass(
    ballast_g: int, reason: str
) -> None:
    came_at = EMPTY_TRUCK_G + ballast_g
    loaded = seen(unit_ids=["p1", "p2"], entry_mass_g=came_at, mass_g=came_at + 2 * PALLET_G)
    decision = decide(loaded, INSIDE, a_release("p1", "p2"), held=Held(PALLET_G, EMPTY_TRUCK_G))
    assert decision.reason_key == reason


def test_a_vehicle_lighter_today_than_ever_before_is_bounded_by_what_it_weighed_coming_in_empty() -> None:
    came_at = EMPTY_TRUCK_G - 200_000
    over_g = ROOM_G + 1
    loaded = seen(entry_mass_g=came_at, mass_g=came_at + over_g)
    decision = decide(loaded, INSIDE, parcels(over_g), held=Held(PALLET_G, EMPTY_TRUCK_G))
    assert decision.reason_key == "gate.untagged_load"


@pytest.mark.parametrize(
    ("unloaded_g", "empty_g", "reason"),
    [
        (0, EMPTY_TRUCK_G, "gate.empty"),
        (0, None, "gate.no_entry_mass"),
        (PALLET_G, EMPTY_TRUCK_G, "gate.no_entry_mass"),
    ],
)
def test_an_empty_vehicle_that_nobody_weighed_coming_in_leaves_by_its_empty_mass(
    unloaded_g: int, empty_g: int | None, reason: str
) -> None:
    visit = LiveVisit("visit-1", "admitted", None, unloaded_g=unloaded_g)
    assert decide(seen(entry_mass_g=None), visit, held=Held(PALLET_G, empty_g)).reason_key == reason
