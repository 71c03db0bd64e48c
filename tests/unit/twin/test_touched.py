"""What a fold has changed at gates: near together is one period, far apart is not."""

from datetime import datetime, timedelta

from tests.conftest import START
from twin.presence.handlers import NEAR, Touched


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def test_what_changed_near_together_at_a_gate_is_one_period() -> None:
    touched = Touched()
    touched.gate("b", at(3), at(4))
    touched.gate("a", at(20), at(21))
    touched.gate("a", at(0), at(15))
    touched.gate("a", at(1), at(2))
    assert touched.at_gates() == [("a", at(0), at(21)), ("b", at(3), at(4))]


def test_what_came_late_and_what_is_live_are_periods_of_their_own() -> None:
    touched = Touched()
    touched.gate("a", at(0), at(1))
    touched.gate("a", at(1) + NEAR + timedelta(seconds=1), at(60))
    assert touched.at_gates() == [("a", at(0), at(1)), ("a", at(1) + NEAR + timedelta(seconds=1), at(60))]
