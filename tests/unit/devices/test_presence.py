"""What is said of a device that is tried again and again."""

from datetime import timedelta

from devices.transport.presence import STATED_EVERY, Presence
from tests.conftest import START

SOON = timedelta(seconds=1)


def states(presence: Presence, after: timedelta) -> list[str]:
    return [status.state for status in presence.heard(START + after)]


def test_a_device_that_answers_is_said_to_be_online_once() -> None:
    presence = Presence(START)
    assert states(presence, SOON) == ["online"]
    assert states(presence, 2 * SOON) == []


def test_a_device_that_measures_nothing_is_said_to_be_there_every_five_minutes() -> None:
    presence = Presence(START)
    states(presence, SOON)
    assert states(presence, STATED_EVERY) == []
    assert states(presence, STATED_EVERY + SOON) == ["online"]
    assert states(presence, STATED_EVERY + 2 * SOON) == []


def test_what_keeps_it_from_measuring_is_said_again_too() -> None:
    presence = Presence(START)
    states(presence, SOON)
    presence.troubled("the pan is overloaded")
    [status] = presence.heard(START + STATED_EVERY + SOON)
    assert (status.state, status.reason) == ("fault", "the pan is overloaded")


def test_back_after_an_absence_it_says_how_long_nothing_was_heard() -> None:
    presence = Presence(START)
    states(presence, SOON)
    assert [status.state for status in presence.lost("no answer")] == ["offline"]
    assert presence.lost("no answer") == []
    gap, online = presence.heard(START + 61 * SOON)
    assert (gap.state, gap.gap_s, online.state) == ("gap", 60.0, "online")
