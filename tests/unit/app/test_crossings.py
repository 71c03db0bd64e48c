"""Which way goods are told to have gone is compared with the way they went: pure."""

from datetime import timedelta

from app.simulate.crossings import Crossed, Told, compare
from tests.conftest import START


def crossed(minutes: float, sscc: str, direction: str) -> Crossed:
    return Crossed(START + timedelta(minutes=minutes), sscc, direction)


def test_each_crossing_is_told_right_or_wrong_or_not_at_all_and_what_never_was_is_false() -> None:
    true = [crossed(0, "a", "in"), crossed(1, "b", "in"), crossed(2, "c", "out"), crossed(3, "d", "out")]
    told = [crossed(2, "a", "in"), crossed(1, "b", "out"), crossed(40, "c", "out"), crossed(3, "x", "in")]
    assert compare(true, told) == {
        "in": Told(true=2, right=1, wrong=1, false=1),
        "out": Told(true=2, untold=2, false=1),
    }


def test_one_told_crossing_answers_for_one_that_was() -> None:
    true = [crossed(0, "a", "in"), crossed(5, "a", "out")]
    told = [crossed(0, "a", "in"), crossed(0.1, "a", "out"), crossed(5, "a", "out")]
    counts = compare(true, told)
    assert (counts["in"].right, counts["out"].right) == (1, 1)
    assert counts["out"].false == 1
