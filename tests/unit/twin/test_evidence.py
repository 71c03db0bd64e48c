"""Counts, masses, grades and discrepancies by hand-reckoned figures."""

from datetime import datetime, timedelta

import msgspec
import numpy as np
import pytest

from tests.conftest import START
from twin.alarms.model import ExitMass, Load, Passage, UnitOut, judge_gate
from twin.evidence.model import (
    CountInterval,
    MassCheck,
    UnitBelief,
    UnitSeen,
    count_interval,
    discrepancies_of,
    lot_evidence,
    poisson_binomial,
    presence_of,
    presence_probability,
)
from twin.presence.model import Seen, Track
from twin.visits.model import tolerance_g

ALL = frozenset({"tag", "position", "mass"})


def test_one_tag_is_thirty_to_one_and_modalities_multiply() -> None:
    assert presence_probability(["tag"]) == pytest.approx(30 / 31)
    assert presence_probability(["tag", "position"]) == pytest.approx(600 / 601)
    assert presence_probability([]) == 0.0


def test_the_poisson_binomial_of_two_unequal_coins() -> None:
    assert poisson_binomial({0.5: 1, 0.25: 1}) == pytest.approx(np.array([0.375, 0.5, 0.125]))


def test_certain_units_are_counted_and_nothing_is_lost_in_a_thousand() -> None:
    pmf = poisson_binomial({1.0: 3, 0.0: 4, 0.9: 1000})
    assert pmf.sum() == pytest.approx(1.0)
    assert pmf[:3].sum() == 0.0


def test_no_units_count_nothing() -> None:
    assert count_interval([]) == CountInterval(0, 0, 0)


def test_twelve_units_seen_by_three_modalities_are_twelve() -> None:
    assert count_interval([ALL] * 12) == CountInterval(12, 12, 12)


def test_twelve_units_of_tags_alone_are_nine_at_the_least() -> None:
    # 1 - P(X <= 2) for X ~ Binomial(12, 1/31) is 0.0064 > 0.005, and for 3 it is 0.0005 < 0.005.
    assert count_interval([frozenset({"tag"})] * 12).low == 9


def units_of(count: int, modalities: dict[str, datetime], mass_g: int | None = None) -> list[UnitSeen]:
    return [
        UnitSeen(
            unit_id=f"u{number}",
            modalities=modalities,
            evidence_ids={name: f"{name}:1:{number}" for name in modalities},
            mass_g=mass_g,
            weighing="scale:1:1" if mass_g is not None else None,
        )
        for number in range(count)
    ]


def test_a_modality_that_saw_only_some_units_does_not_agree_and_ages_are_of_the_stalest() -> None:
    fresh, stale = START, START - timedelta(days=2)
    seen = [
        *units_of(6, {"tag": fresh, "position": stale}),
        *units_of(6, {"tag": stale, "mass": fresh, "position": fresh}),
    ]
    evidence = lot_evidence(seen)
    assert evidence.modalities == {"tag": stale, "position": stale}
    assert evidence.as_of == fresh


def test_two_modalities_told_by_one_device_are_one_and_do_not_raise_the_low() -> None:
    by_two = units_of(4, {"tag": START, "position": START})
    by_one = [
        msgspec.structs.replace(unit, evidence_ids={"tag": "fork:1:1", "position": "fork:1:2"})
        for unit in by_two
    ]
    assert lot_evidence(by_one).count.low == 0
    assert lot_evidence(by_one).count.mid == lot_evidence(by_two).count.mid == 4
    assert lot_evidence([*by_one, *by_two]).count.low == lot_evidence(by_two).count.low == 3


def test_the_mass_of_a_lot_is_off_by_the_error_of_two_weighings() -> None:
    evidence = lot_evidence(units_of(12, {"tag": START, "position": START, "mass": START}, 700_000))
    error_g = 84_853  # sqrt(2) x 60 kg
    assert evidence.mass_g_low == 8_400_000 - error_g
    assert evidence.mass_g_high == 8_400_000 + error_g
    assert evidence.mass_g_mid == pytest.approx(8_400_000, abs=1_000)


def test_units_never_weighed_have_no_mass() -> None:
    assert lot_evidence(units_of(3, {"tag": START})).mass_g_low is None


# --- presence of one unit --------------------------------------------------------------------------


def a_track(*, is_inside: bool, inside_at: datetime = START, away_at: datetime | None = None) -> Track:
    seen = {"tag": Seen(inside_at, "r:1:1"), "position": Seen(inside_at, "f:1:1")}
    return Track(is_inside=is_inside, inside_at=inside_at, away_at=away_at, seen=seen, place="slot")


CHECK = MassCheck(
    check_key="c",
    weighed_at=START,
    observation_id="s:1:1",
    measured_g=2_020_000,
    expected_g=2_000_000,
    unit_count=2,
)


def test_a_unit_gets_its_share_of_the_net_mass() -> None:
    presence = presence_of(a_track(is_inside=True), CHECK, None, 500_000)
    assert presence.mass_g == 505_000
    assert presence.level == "verified"
    assert set(presence.modalities) == ALL


def test_a_unit_before_the_barrier_counts_nothing_and_back_inside_keeps_its_mass() -> None:
    away = presence_of(a_track(is_inside=False, away_at=START), CHECK, None, 500_000)
    assert (away.probability, away.modalities, away.level) == (0.0, {}, "missing")
    assert "mass" in presence_of(a_track(is_inside=True), CHECK, None, 500_000).modalities


def test_what_was_seen_before_a_unit_left_does_not_count_when_it_comes_back() -> None:
    left_at = START + timedelta(hours=1)
    back = a_track(is_inside=True, inside_at=START + timedelta(days=1))
    back.seen["position"] = Seen(START, "f:1:1")
    presence = presence_of(back, CHECK, left_at, 500_000)
    assert set(presence.modalities) == {"tag"}
    assert presence_of(a_track(is_inside=True), CHECK, left_at, 500_000).place == "left"


def test_a_unit_no_sensor_saw_is_a_claim() -> None:
    presence = presence_of(None, None, None, 500_000)
    assert (presence.level, presence.probability, presence.place) == ("claimed", 0.0, "unknown")


# --- the gate --------------------------------------------------------------------------------------


def going_out(count: int, *, is_direct: bool = True, is_released: bool = False) -> list[UnitOut]:
    return [
        UnitOut(
            unit_id=f"u{number}",
            lot_id="lot",
            crossed_at=START,
            is_direct=is_direct,
            is_released=is_released,
            expected_mass_g=700_000,
            evidence_ids=["r:1:1"],
        )
        for number in range(count)
    ]


def mass(taken_g: int | None) -> ExitMass:
    return ExitMass(
        exit_g=8_000_000 + (taken_g or 0),
        exit_at=START,
        exit_id="s:1:2",
        entry_g=None if taken_g is None else 8_000_000,
        entry_id=None if taken_g is None else "s:1:1",
    )


def grade(units: list[UnitOut], weighed: ExitMass | None) -> str | None:
    expected_g = sum(unit.expected_mass_g or 0 for unit in units)
    judgement = judge_gate(
        units, weighed, tolerance_g=tolerance_g(expected_g), load=a_load(len(units), len(units))
    )
    return judgement.grade if judgement is not None else None


def a_load(
    released: int, heard: int, *, is_over: bool = False, has_left: bool = False, each_g: int = 700_000
) -> Load:
    """So many of `released` units were heard with the vehicle."""
    return Load(
        heard_g=heard * each_g,
        released_g=released * each_g,
        tag_count=released,
        unread={f"u{number}": "lot" for number in range(heard, released)},
        is_over=is_over or has_left,
        has_left=has_left,
    )


def released_reasons(load: Load, weighed_count: float | None, heard_count: int = 1) -> list[str]:
    """Why a vehicle that gained so many units (None: nobody knows), so many of them heard going out, is not
    right; empty if it is."""
    weighed = mass(None if weighed_count is None else round(weighed_count * 700_000))
    out = going_out(heard_count, is_released=True)
    judgement = judge_gate(out, weighed, tolerance_g=60_000, load=load)
    if judgement is None:
        return []
    assert (judgement.kind, judgement.grade) == ("exit_mass_differs", "check")
    return judgement.reasons


def test_tags_alone_never_go_beyond_check() -> None:
    assert grade(going_out(20), None) == "check"


def test_direction_and_mass_together_freeze() -> None:
    assert grade(going_out(4), mass(2_800_000)) == "freeze"


def test_mass_without_a_direction_that_was_seen_restricts() -> None:
    assert grade(going_out(4, is_direct=False), mass(2_800_000)) == "restrict"


def test_an_unknown_entry_mass_restricts_and_does_not_freeze() -> None:
    assert grade(going_out(4), mass(None)) == "restrict"


def passed_grade(units: list[UnitOut], weighed: ExitMass | None) -> str | None:
    passage = Passage(occupied_at=START, evidence_ids=["b:1:1", "b:1:2"])
    judgement = judge_gate(units, weighed, tolerance_g=tolerance_g(0), passage=passage)
    return judgement.grade if judgement is not None else None


def test_a_passage_over_the_loop_is_a_second_modality_unless_the_scale_says_otherwise() -> None:
    assert passed_grade(going_out(4), None) == "freeze"
    assert passed_grade(going_out(4), mass(None)) == "freeze"
    assert passed_grade(going_out(4, is_direct=False), None) == "restrict"
    assert passed_grade(going_out(4), mass(50_000)) == "check"
    assert passed_grade(going_out(4, is_released=True), None) is None


def test_a_vehicle_no_heavier_than_it_came_leaves_it_at_tags() -> None:
    assert grade(going_out(4), mass(50_000)) == "check"


def test_released_units_of_the_right_mass_are_nothing_to_report() -> None:
    assert grade(going_out(4, is_released=True), mass(2_800_000)) is None


def test_one_unreleased_among_released_freezes_when_its_mass_is_there() -> None:
    units = [*going_out(3, is_released=True), *going_out(4)[3:]]
    judgement = judge_gate(units, mass(2_800_000), tolerance_g=tolerance_g(2_800_000))
    assert judgement is not None
    assert (judgement.grade, judgement.unit_ids) == ("freeze", ["u3"])


def test_released_units_with_another_mass_are_checked() -> None:
    assert grade(going_out(4, is_released=True), mass(4_200_000)) == "check"


def test_while_tags_are_read_one_after_another_a_released_load_of_the_right_mass_is_right() -> None:
    assert released_reasons(a_load(11, 1), 11) == []
    assert released_reasons(a_load(11, 11), 11) == []


def test_now_and_then_a_tag_is_not_read_and_the_scale_vouches_for_the_release() -> None:
    assert released_reasons(a_load(11, 10, is_over=True), 11) == []
    assert released_reasons(a_load(20, 18, is_over=True), 20) == []


def test_when_more_than_one_tag_in_ten_of_a_release_was_not_read_other_goods_may_have_left() -> None:
    assert released_reasons(a_load(11, 9, is_over=True), 11) == ["tags_unread"]
    assert released_reasons(a_load(9, 8, is_over=True), 9) == ["tags_unread"]
    assert released_reasons(a_load(1, 0, is_over=True), 1, heard_count=0) == ["tags_unread"]


@pytest.mark.parametrize(
    ("gained", "standing", "left"),
    [
        (2, [], ["tags_unread"]),
        (None, [], ["tags_unread"]),
        (1.5, [], ["tags_unread"]),
        (0, [], []),
    ],
)
def test_a_release_of_which_no_tag_was_heard_is_judged_when_its_vehicle_has_left(
    gained: float | None, standing: list[str], left: list[str]
) -> None:
    assert released_reasons(a_load(2, 0), gained, heard_count=0) == standing
    assert released_reasons(a_load(2, 0, has_left=True), gained, heard_count=0) == left


def test_a_scale_that_cannot_tell_what_is_released_from_nothing_explains_no_unread_tag() -> None:
    assert released_reasons(a_load(2, 0, has_left=True, each_g=10_000), 0, heard_count=0) == ["tags_unread"]
    assert released_reasons(a_load(2, 0, is_over=True, each_g=10_000), 0, heard_count=0) == []


def test_less_than_released_is_right_when_it_is_what_was_heard() -> None:
    assert released_reasons(a_load(11, 9, is_over=True), 9) == []


def test_a_mass_that_is_neither_what_was_heard_nor_what_is_released_differs_at_once() -> None:
    assert released_reasons(a_load(11, 1), 12) == ["mass_differs"]
    assert released_reasons(a_load(11, 9), 10) == ["mass_differs"]


# --- discrepancies ---------------------------------------------------------------------------------


def belief(**changes: object) -> UnitBelief:
    values: dict[str, object] = {
        "claimed_slot_id": "A01-01-1",
        "claimed_at": START,
        "seen_place": "slot",
        "seen_slot_id": "A01-01-1",
        "seen_at": START,
        "placed_at": START,
        "gone_at": None,
        "is_released": False,
        "delivery_done_at": None,
        "mass_differs_at": None,
    }
    return UnitBelief(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"seen_at": None, "placed_at": None}, [("missing", "claimed_never_seen")]),
        ({"seen_at": None, "delivery_done_at": START}, [("missing", "announced_not_seen")]),
        ({"gone_at": START}, [("missing", "gone_without_release")]),
        ({"gone_at": START, "is_released": True}, []),
        ({"seen_slot_id": "A01-02-1"}, [("wrong_place", "claimed_after_seen")]),
        (
            {"seen_slot_id": "A01-02-1", "placed_at": START + timedelta(hours=1)},
            [("wrong_place", "moved_after_claim")],
        ),
        ({"seen_place": "vehicle", "seen_slot_id": None}, []),
        (
            {"claimed_slot_id": None, "seen_at": START + timedelta(hours=1)},
            [("unexpected", "seen_after_departure")],
        ),
        ({"mass_differs_at": START, "delivery_done_at": START}, [("mass", "net_mass_differs")]),
        ({"mass_differs_at": START}, []),
    ],
)
def test_books_and_sensors_are_compared(changes: dict[str, object], expected: list[tuple[str, str]]) -> None:
    assert [(found.kind, found.cause) for found in discrepancies_of(belief(**changes))] == expected
