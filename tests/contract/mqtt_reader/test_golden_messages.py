"""Batches as the interface describes them, written by hand, and what must come of each."""

from datetime import UTC, datetime

import pytest

from devices.drivers.mqtt_reader.codec import AFTER_MS_MAX, MESSAGE_BYTES_MAX, READS_MAX, decode
from devices.transport.decoding import Arrived
from kernel.messages import DeviceStatus, Observation, Rejected, TagRead

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BATCH = (
    b'{"boot":7,"sequence":123,"observed_at":"2026-11-23T13:55:30+08:00","reads":['
    b'{"epc":"3178e61c883950f59a000000","antenna":2,"rssi_cdbm":-5710,"count":3,"after_ms":120},'
    b'{"epc":"3034257BF7194E4000003039","rssi_cdbm":-6200,"tid":"e2801105"}]}'
)


def read(payload: bytes) -> list[Observation | Rejected]:
    arrived = Arrived(site_id="site-a", device_id="fork-reader-1", payload=payload, received_at=NOW)
    return decode(arrived, {})


def test_reads_are_numbered_on_and_carry_their_own_times() -> None:
    first, second = read(BATCH)
    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert (first.device_id, first.boot, first.sequence) == ("fork-reader-1", 7, 123)
    assert first.observed_at == datetime(2026, 11, 23, 5, 55, 30, 120_000, tzinfo=UTC)
    assert first.reading == TagRead(
        epc_hex="3178E61C883950F59A000000", antenna=2, rssi_cdbm=-5710, seen_count=3
    )
    assert (second.sequence, second.observed_at) == (124, datetime(2026, 11, 23, 5, 55, 30, tzinfo=UTC))
    assert second.reading == TagRead(
        epc_hex="3034257BF7194E4000003039", antenna=1, rssi_cdbm=-6200, tid_hex="E2801105"
    )


def test_a_batch_sent_twice_is_the_same_observations() -> None:
    assert read(BATCH) == read(BATCH)


def test_one_bad_read_costs_only_itself() -> None:
    bad = BATCH.replace(b'"rssi_cdbm":-5710', b'"rssi_cdbm":"loud"')
    refused, kept = read(bad)
    assert isinstance(refused, Rejected)
    assert (refused.field, refused.boot, refused.sequence) == ("rssi_cdbm", 7, 123)
    assert b'"loud"' in refused.raw
    assert isinstance(kept, Observation)
    assert kept.sequence == 124


def test_a_batch_that_cannot_be_taken_is_settled_by_the_number_of_each_read() -> None:
    refused = read(BATCH.replace(b"+08:00", b""))
    assert [(item.boot, item.sequence) for item in refused] == [(7, 123), (7, 124)]
    empty = b'{"boot":7,"sequence":9,"observed_at":"2026-11-23T05:55:30Z","reads":[]}'
    assert [(item.boot, item.sequence) for item in read(empty)] == [(7, 9)]


@pytest.mark.parametrize(
    ("number", "field"),
    [(b'"sequence":0', "sequence"), (b'"sequence":9007199254740992', "sequence"), (b'"boot":-1', "boot")],
)
def test_numbers_that_none_can_be_are_refused_without_one(number: bytes, field: str) -> None:
    name = number.partition(b":")[0]
    old = {b'"sequence"': b'"sequence":123', b'"boot"': b'"boot":7'}[name]
    [refused] = read(BATCH.replace(old, number))
    assert isinstance(refused, Rejected)
    assert (refused.field, refused.boot, refused.sequence) == (field, None, None)


def test_a_read_that_is_no_text_beside_one_of_a_wrong_kind_costs_only_itself() -> None:
    items = read(
        BATCH.replace(b'"rssi_cdbm":-5710', b'"rssi_cdbm":"loud"').replace(b"3034257BF7194E40", b"3034\x82")
    )
    assert [(item.sequence, item.field) for item in items if isinstance(item, Rejected)] == [
        (123, "rssi_cdbm"),
        (124, "reading"),
    ]


def test_a_reader_may_speak_of_itself() -> None:
    said = (
        b'{"boot":7,"sequence":9,"observed_at":"2026-11-23T05:55:30Z","status":"fault","reason":"antenna 2"}'
    )
    [item] = read(said)
    assert isinstance(item, Observation)
    assert item.reading == DeviceStatus(state="fault", reason="antenna 2")


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (b"", "message"),
        (b"\xff\xfe", "message"),
        (BATCH[:-1], "message"),
        # The wrong kind of value comes before what is no JSON any more.
        (
            b'{"boot":7,"sequence":1,"observed_at":"2026-11-23T05:55:30Z","reads":[{"epc":513,"1"x":-5}]}',
            "message",
        ),
        (b"[" * 100_000, "reading"),
        (b" " * (MESSAGE_BYTES_MAX + 1), "message"),
        (b"[]", "reading"),
        (BATCH.replace(b'"boot":7', b'"boot":"7"'), "boot"),
        (BATCH.replace(b"+08:00", b""), "observed_at"),
        (BATCH.replace(b'"after_ms":120', b'"after_ms":%d' % (AFTER_MS_MAX + 1)), "after_ms"),
        (b'{"boot":7,"sequence":1,"observed_at":"2026-11-23T05:55:30Z"}', "reads"),
        (
            b'{"boot":7,"sequence":1,"observed_at":"2026-11-23T05:55:30Z","reads":['
            + b",".join([b'{"epc":"AB","rssi_cdbm":-1}'] * (READS_MAX + 1))
            + b"]}",
            "reads",
        ),
    ],
)
def test_what_cannot_be_read_is_rejected_by_field_with_its_bytes(payload: bytes, field: str) -> None:
    refused = read(payload)[0]
    assert isinstance(refused, Rejected)
    assert refused.field == field
    assert refused.rule
    assert refused.raw == payload
