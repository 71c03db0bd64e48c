"""Which passages over a gate's loop no known vehicle made. Pure."""

from datetime import UTC, datetime, timedelta

from twin.alarms.unexplained import Crossing, coupled, unexplained
from twin.visits.model import Pass

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
