"""The gate opens for what is expected or released, and for nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wms.dispatch.model import AtGate, Decision, LiveRelease, LiveVisit, decide_gate, tolerance_of

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
    )
    return release._replace(**changes)


INSIDE = LiveVisit("visit-1", "admitted", EMPTY_TRUCK_G)


def decide(at_gate: AtGate, visit: LiveVisit | None, *releases: LiveRelease) -> Decision:
    return decide_gate(at_gate, visit, releases, NOW)


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
