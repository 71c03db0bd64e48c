"""Which units rest on the word of a device that is not believed."""

from datetime import UTC, datetime, timedelta

from twin.evidence.doubt import Told, doubted
from twin.messages import DeviceSpan, Modality

START = datetime(2026, 11, 23, tzinfo=UTC)


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def a_span(since: float, until: float, device_id: str = "reader") -> DeviceSpan:
    return DeviceSpan(device_id=device_id, since=at(since), until=at(until))


def told(modality: Modality, hour: float, began: float | None = None) -> Told:
    return Told(modality=modality, began_at=at(hour if began is None else began), at=at(hour))


def test_a_unit_that_no_span_concerns_is_not_in_doubt() -> None:
    assert doubted([told("tag", 1)], []) is None


def test_what_was_told_within_a_span_stays_in_doubt_whatever_was_told_since() -> None:
    span = a_span(2, 4)
    assert doubted([told("mass", 3), told("position", 5)], [span]) == span


def test_a_net_mass_is_in_doubt_when_its_first_weighing_was_within_a_span() -> None:
    span = a_span(2, 4)
    assert doubted([told("mass", 5, began=3), told("position", 6)], [span]) == span


def test_a_unit_that_was_not_seen_since_the_last_span_is_in_doubt() -> None:
    spans = [a_span(2, 4), a_span(6, 7, "bridge")]
    assert doubted([told("tag", 1), told("position", 5)], spans) == spans[1]


def test_a_unit_that_was_seen_since_counts_by_what_was_told_before_and_after() -> None:
    assert doubted([told("tag", 1), told("mass", 1), told("position", 5)], [a_span(2, 4)]) is None


def test_what_was_told_in_the_very_moment_a_span_ends_is_no_sight_since() -> None:
    span = a_span(2, 4)
    assert doubted([told("position", 4)], [span]) == span


def test_a_sight_of_its_slot_alone_does_not_clear_a_unit() -> None:
    span = a_span(2, 4)
    assert doubted([told("tag", 1), told("sight", 5)], [span]) == span
