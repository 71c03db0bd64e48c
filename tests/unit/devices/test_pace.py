"""A device may say so much of one second of its own clock, however late that comes."""

from datetime import UTC, datetime, timedelta

from devices.ingest.pace import Pace
from kernel.messages import DeviceStatus, Observation, Rejected

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def said(sequence: int, after_s: float = 0.0, device_id: str = "station") -> Observation:
    return Observation(
        device_id=device_id,
        boot=1,
        sequence=sequence,
        observed_at=AT + timedelta(seconds=after_s),
        reading=DeviceStatus(state="online"),
    )


def test_what_is_above_the_pace_is_set_aside_with_its_number() -> None:
    items, is_too_fast = Pace().sift([said(1), said(2), said(3)], AT, 2)
    assert is_too_fast
    assert items[:2] == [said(1), said(2)]
    assert isinstance(items[2], Rejected)
    assert (items[2].field, items[2].rule) == ("observed_at", "at most 2 readings of one second")
    assert (items[2].boot, items[2].sequence) == (1, 3)


def test_the_next_second_and_other_devices_are_admitted() -> None:
    pace = Pace()
    pace.sift([said(1), said(2)], AT, 2)
    items = [said(3, 1.0), said(4, device_id="other")]
    assert pace.sift(items, AT, 2) == (items, False)


def test_a_long_silence_that_is_told_at_once_is_no_haste() -> None:
    buffered = [said(number, float(number)) for number in range(1, 1001)]
    assert Pace().sift(buffered, AT, 1) == (buffered, False)


def test_what_is_set_aside_already_does_not_count() -> None:
    bad = Rejected(device_id="station", field="message", rule="JSON", raw=b"{", received_at=AT)
    assert Pace().sift([bad, bad, said(1)], AT, 1) == ([bad, bad, said(1)], False)
