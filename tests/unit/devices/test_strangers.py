"""How many strangers are listed, and what of them is counted together."""

from datetime import UTC, datetime, timedelta

from devices.ingest.model import TurnedAway
from devices.ingest.strangers import APART_MAX, BEYOND_APART, OTHERS, together, within, within_its_share
from devices.registry.model import DEVICE_ID

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def a_stranger(name: str, after_s: int = 0, times: int = 1, said: bytes = b"") -> TurnedAway:
    at = NOW + timedelta(seconds=after_s)
    return TurnedAway(
        device_id=name, field="username", rule="enrolled", first_at=at, last_at=at, said=said, times=times
    )


def test_the_same_device_field_and_rule_are_one_entry_that_spans_both_times() -> None:
    batch = [a_stranger("a", 5, times=2, said=b"last"), a_stranger("b"), a_stranger("a", 1, said=b"late")]
    [a, b] = together(batch).values()
    assert (a.device_id, a.times, a.said) == ("a", 3, b"late")
    assert (a.first_at, a.last_at) == (NOW + timedelta(seconds=1), NOW + timedelta(seconds=5))
    assert b == batch[1]


def wants(topic: str, times: int = 1, device_id: str = "fork") -> TurnedAway:
    """A device that tried a topic that is not its own."""
    return TurnedAway(
        device_id=device_id,
        field="topic",
        rule="its own",
        first_at=NOW,
        last_at=NOW,
        said=topic.encode(),
        times=times,
        is_apart=True,
    )


def test_each_topic_that_a_device_wants_is_an_entry_of_its_own() -> None:
    batch = together([wants("a"), wants("b"), wants("a"), wants("a", device_id="other")])
    assert [(entry.device_id, entry.said, entry.times) for entry in batch.values()] == [
        ("fork", b"a", 2),
        ("fork", b"b", 1),
        ("other", b"a", 1),
    ]


def test_topics_beyond_a_devices_share_are_counted_as_one() -> None:
    known = wants("known")
    batch = together([wants(f"{number}") for number in range(5)] + [known, wants("x", device_id="other")])
    listed_before = {("fork", "topic", "its own"): APART_MAX - 3}
    kept = within_its_share(batch, {known.key}, listed_before)
    assert [(e.device_id, e.said, e.rule, e.times) for e in kept.values()] == [
        ("fork", b"0", "its own", 1),
        ("fork", b"1", "its own", 1),
        ("fork", b"2", "its own", 1),
        ("fork", b"4", BEYOND_APART, 2),
        ("fork", b"known", "its own", 1),
        ("other", b"x", "its own", 1),
    ]


def test_strangers_beyond_the_room_are_counted_as_one() -> None:
    batch = together([a_stranger("a"), a_stranger("b", times=2), a_stranger("c", times=3)])
    [a, others] = within(batch, listed=set(), known=set(), room=1)
    assert a.device_id == "a"
    assert (others.device_id, others.field, others.times) == (OTHERS, "device_id", 5)
    assert not DEVICE_ID.fullmatch(OTHERS)


def test_who_is_listed_already_or_enrolled_needs_no_room() -> None:
    batch = together([a_stranger("old"), a_stranger("ours"), a_stranger("new")])
    kept = within(batch, listed={("old", "username", "enrolled", "")}, known={"ours"}, room=0)
    assert [entry.device_id for entry in kept] == ["old", "ours", OTHERS]
    assert within(batch, listed=set(), known=set(), room=-5)[0].times == 3
