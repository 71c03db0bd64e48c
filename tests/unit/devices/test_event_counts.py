"""What a device's own running count shows to be missing."""

from datetime import UTC, datetime, timedelta

from devices.ingest.event_counts import Count, Counts, latest, with_gaps
from devices.ingest.model import Received
from kernel.messages import DeviceStatus, MassReading, Observation, Rejected, TagRead, content_identity

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def a_read(number: int, second: float, device_id: str = "reader") -> Received:
    at = START + timedelta(seconds=second)
    boot, sequence = content_identity(at, f"{device_id} {number}".encode())
    return Received(
        observation=Observation(
            device_id=device_id,
            boot=boot,
            sequence=sequence,
            observed_at=at,
            reading=TagRead(epc_hex="AB", antenna=1, rssi_cdbm=-5700, event_number=number),
        ),
        received_at=at + timedelta(seconds=1),
    )


def gaps(*items: Received | Rejected, counts: Counts | None = None) -> list[str]:
    stated, _ = with_gaps(counts or {}, items)
    return [
        item.observation.reading.reason
        for item in stated
        if isinstance(item, Received) and isinstance(item.observation.reading, DeviceStatus)
    ]


def test_a_jump_is_a_gap_as_long_as_the_time_between() -> None:
    before, after = a_read(7, 0), a_read(12, 30)
    (first, gap, last), counts = with_gaps({}, [before, after])
    assert (first, last) == (before, after)
    assert isinstance(gap, Received)
    assert gap.observation.reading == DeviceStatus(
        state="gap", reason="events 8 to 11 are missing", gap_s=30.0
    )
    assert (gap.observation.device_id, gap.observation.observed_at) == (
        "reader",
        START + timedelta(seconds=30),
    )
    assert gap.received_at == after.received_at
    assert counts == {"reader": Count(12, START + timedelta(seconds=30))}


def test_what_follows_on_is_no_gap_and_one_missing_event_is_told_by_its_number() -> None:
    assert gaps(a_read(7, 0), a_read(8, 0), a_read(9, 1)) == []
    assert gaps(a_read(7, 0), a_read(9, 1)) == ["event 8 is missing"]


def test_the_first_number_of_a_device_says_nothing_of_what_came_before() -> None:
    assert gaps(a_read(5_000, 0)) == []


def test_a_count_that_begins_anew_is_a_gap_of_unknown_size() -> None:
    assert gaps(a_read(7, 0), a_read(1, 5), a_read(2, 6)) == [
        "the device counts anew, from event 1; its last was 7"
    ]


def test_what_comes_again_or_late_states_nothing() -> None:
    came = [a_read(7, 0), a_read(9, 2)]
    _, counts = with_gaps({}, came)
    stated, after = with_gaps(counts, [*came, a_read(8, 1)])
    assert (len(stated), after) == (3, counts)


def test_the_same_gap_has_the_same_identity() -> None:
    items = [a_read(7, 0), a_read(9, 2)]
    assert with_gaps({}, items) == with_gaps({}, items)


def test_devices_are_counted_apart() -> None:
    assert gaps(a_read(7, 0, "one"), a_read(100, 0, "two"), a_read(8, 1, "one"), a_read(102, 1, "two")) == [
        "event 101 is missing"
    ]


def test_what_has_no_count_passes_as_it_is() -> None:
    scale = Received(
        observation=Observation(
            device_id="scale",
            boot=1,
            sequence=1,
            observed_at=START,
            reading=MassReading(mass_g=1, weight_id=1),
        ),
        received_at=START,
    )
    refused = Rejected(device_id="reader", field="message", rule="JSON", raw=b"{", received_at=START)
    items = [scale, refused, a_read(0, 1), a_read(-3, 2)]
    assert with_gaps({}, items) == (items, {})
    assert latest(items) == {}


def test_the_latest_count_is_that_of_the_latest_time() -> None:
    assert latest([a_read(9, 5), a_read(2, 8), a_read(7, 1), a_read(4, 1, "two")]) == {
        "reader": Count(2, START + timedelta(seconds=8)),
        "two": Count(4, START + timedelta(seconds=1)),
    }
