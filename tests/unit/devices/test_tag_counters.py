"""A beacon is new, late, the same one heard by another station, or a copy."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.ingest.counters import LATE_BEACONS_MAX, SAME_BEACON_MAX, Mark, Tag, admit, moved, verify
from devices.ingest.model import Received
from kernel.messages import AnimalBeacon, AnyReading, DeviceStatus, Observation

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
LAST = Mark(10_000, AT)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("counter", "heard_at"),
    [
        (10_001, AT + 300 * SECOND),
        (2**32 - 1, AT + 300 * SECOND),
        (10_001, AT - 300 * SECOND),
        (10_000, AT),
        (10_000, AT + SAME_BEACON_MAX),
        (10_000, AT - SAME_BEACON_MAX),
        (9_999, AT - 300 * SECOND),
        (10_000 - LATE_BEACONS_MAX, AT - timedelta(days=14)),
    ],
)
def test_new_late_and_doubly_heard_beacons_are_good(counter: int, heard_at: datetime) -> None:
    assert verify(counter, heard_at, LAST) is None


def test_the_first_beacon_of_a_tag_is_good() -> None:
    assert verify(0, AT, None) is None
    assert moved(0, AT, None) == Mark(0, AT)


@pytest.mark.parametrize("counter", [10_000, 9_999, 10_000 - LATE_BEACONS_MAX])
def test_a_beacon_heard_again_after_the_tags_last_is_a_replay(counter: int) -> None:
    broken = verify(counter, AT + SAME_BEACON_MAX + SECOND, LAST)
    assert broken is not None
    assert broken.field == "counter"
    assert broken.rule.endswith("a replay")


def test_a_beacon_from_before_the_window_is_refused() -> None:
    broken = verify(10_000 - LATE_BEACONS_MAX - 1, AT - timedelta(days=15), LAST)
    assert broken is not None
    assert broken.rule == "at most 4096 behind the tag's last"


def received(reading: AnyReading, heard_at: datetime, received_at: datetime) -> Received:
    observation = Observation(
        device_id="station-1", boot=1, sequence=1, observed_at=heard_at, reading=reading
    )
    return Received(observation=observation, received_at=received_at)


BEACON = AnimalBeacon(animal_id="156000000000001", counter=7, rssi_cdbm=-8000, key_id="herd")


def test_a_mark_holds_when_we_had_a_beacon_so_clocks_of_stations_do_not_matter() -> None:
    marks: dict[Tag, Mark] = {}
    assert admit(received(BEACON, AT - 300 * SECOND, AT), marks) is None
    [mark] = marks.values()
    assert mark == Mark(7, AT)
    # The same beacon in the mouth of a station whose clock is right, and of one whose clock is ahead.
    assert admit(received(BEACON, AT, AT + SECOND), marks) is None
    assert admit(received(BEACON, AT + 90 * SECOND, AT + SECOND), marks) is None
    later = AT + SAME_BEACON_MAX + SECOND
    assert admit(received(BEACON, later, later), marks) is not None
    assert list(marks.values()) == [mark]


def test_what_is_no_beacon_is_no_copy_of_one() -> None:
    marks: dict[Tag, Mark] = {}
    assert admit(received(DeviceStatus(state="online"), AT, AT), marks) is None
    assert marks == {}


def test_the_mark_moves_with_higher_counters_only() -> None:
    assert moved(10_001, AT + SECOND, LAST) == Mark(10_001, AT + SECOND)
    assert moved(10_000, AT - SECOND, LAST) == LAST
    assert moved(9_999, AT + SECOND, LAST) == LAST


@given(st.lists(st.integers(1, 60), min_size=1, max_size=60, unique=True), st.randoms(use_true_random=False))
def test_honest_beacons_are_good_in_any_order_and_their_copies_never(counters: list[int], random) -> None:
    sent = {counter: AT + 300 * counter * SECOND for counter in counters}
    order = list(sent)
    random.shuffle(order)
    last: Mark | None = None
    for counter in order:
        assert verify(counter, sent[counter], last) is None
        last = moved(counter, sent[counter], last)
    assert last == Mark(max(counters), sent[max(counters)])
    later = last.received_at + SAME_BEACON_MAX + SECOND
    assert all(verify(counter, later, last) is not None for counter in counters)
