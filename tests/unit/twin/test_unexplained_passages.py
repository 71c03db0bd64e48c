"""Which passages over a gate's loop no known vehicle made. Pure."""

from datetime import UTC, datetime, timedelta

import pytest

from twin.alarms.unexplained import Crossing, blocked_in, coupled, unexplained
from twin.visits.model import BarrierChange, Pass

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def a_pass(occupied_s: float, freed_s: float) -> Pass:
    ids = [f"boom:1:{occupied_s}", f"boom:1:{freed_s}"]
    return Pass(gate_id="gate-1", occupied_at=at(occupied_s), freed_at=at(freed_s), evidence_ids=ids)


def left(second: float) -> Crossing:
    return Crossing(at(second), at(second), at(second))


def entered(since_s: float, inside_s: float) -> Crossing:
    return Crossing(at(since_s - 60), at(inside_s + 60), at(inside_s))


def test_a_passage_is_of_the_vehicle_that_left_by_it() -> None:
    assert unexplained([a_pass(0, 5)], [left(5)]) == []
    assert unexplained([a_pass(0, 5)], [left(20)]) == [a_pass(0, 5)]


def test_a_vehicle_that_came_in_explains_one_passage_and_not_that_of_one_that_slipped_out_before_it() -> None:
    slipped, came = a_pass(30, 35), a_pass(60, 65)
    assert unexplained([slipped, came], [entered(0, 70)]) == [slipped]


def test_who_waits_outside_for_long_takes_no_passage_from_one_that_left() -> None:
    assert unexplained([a_pass(0, 5), a_pass(300, 305)], [entered(-600, 310), left(5)]) == []


def test_with_nobody_about_every_passage_is_unexplained() -> None:
    passes = [a_pass(0, 5), a_pass(100, 105)]
    assert unexplained(passes, []) == passes


def test_a_lorry_and_its_trailer_pass_once() -> None:
    [whole] = coupled([a_pass(6, 9), a_pass(0, 5)])
    assert (whole.occupied_at, whole.freed_at) == (at(0), at(9))
    assert whole.evidence_ids == ["boom:1:0", "boom:1:9"]
    assert coupled([a_pass(0, 5), a_pass(20, 25)]) == [a_pass(0, 5), a_pass(20, 25)]


def told(*changes: tuple[float, bool, bool]) -> list[BarrierChange]:
    """What an accepted barrier told: second, whether the boom was up, whether the loop was occupied."""
    return [
        BarrierChange(
            observation_id=f"boom:1:{second}",
            gate_id="gate-1",
            observed_at=at(second),
            is_open=is_open,
            is_closed=not is_open,
            loop_occupied=loop,
        )
        for second, is_open, loop in changes
    ]


@pytest.mark.parametrize(
    "changes",
    [
        told((0, True, True), (120, True, False)),
        told((0, True, True), (90, True, False), (92, True, True), (121, True, False)),
        told((0, False, True), (60, True, True), (120, False, True), (180, False, False)),
    ],
    ids=["at a stretch", "freed for two seconds", "the boom is lowered on it"],
)
def test_a_loop_that_is_occupied_for_two_minutes_under_a_raised_boom_is_no_watch(
    changes: list[BarrierChange],
) -> None:
    [span] = blocked_in(changes, at(1_000))
    assert (span.occupied_at, span.freed_at) == (at(0), changes[-1].observed_at)


def test_that_is_known_while_the_loop_is_still_occupied() -> None:
    changes = told((0, True, True), (60, True, True))
    assert blocked_in(changes, at(119)) == []
    [span] = blocked_in(changes, at(120))
    assert (span.occupied_at, span.freed_at) == (at(0), at(120))
    more = told((50, True, False), (51, True, True))
    [span] = blocked_in([*told((0, True, True)), *more], at(121))
    assert (span.occupied_at, span.freed_at) == (at(0), at(121))


@pytest.mark.parametrize(
    "changes",
    [
        told((0, True, True), (119, True, False)),
        told((0, True, True), (90, True, False), (93, True, True), (180, True, False)),
        told((0, False, True), (880, True, True), (890, True, False)),
        told((0, False, True), (890, False, False)),
    ],
    ids=["less than two minutes", "freed between", "waits until the boom is raised", "waits and turns back"],
)
def test_a_vehicle_that_waits_on_the_loop_hides_nothing(changes: list[BarrierChange]) -> None:
    assert blocked_in(changes, at(1_000)) == []


def test_a_loop_that_is_occupied_for_a_quarter_of_an_hour_before_a_shut_boom_is_no_watch() -> None:
    [span] = blocked_in(told((0, False, True), (900, False, False)), at(1_000))
    assert span.freed_at - span.occupied_at == timedelta(minutes=15)
