"""Messages as the interface describes them, written by hand, and what must come of each."""

from datetime import UTC, datetime

import pytest

from devices.drivers.mqtt_position.codec import MESSAGE_BYTES_MAX, READINGS_MAX, decode
from devices.transport.decoding import Arrived
from devices.transport.mqtt import place_of, reply_payload, reply_topic
from kernel.geometry import Point
from kernel.messages import AckedThrough, DeviceStatus, LoadChange, Observation, PositionReading, Rejected

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
FULL = (
    b'{"boot":7,"sequence":123,"observed_at":"2026-11-23T05:55:30.123Z","position":{"x_m":12.5,"y_m":-0.25,'
    b'"z_m":1.5,"heading_deg":271.5,"speed_mps":1.4,"sigma_m":0.21},"load":{"change":"picked_up",'
    b'"epc":"3178e61c883950f59a000000"}}'
)


def arrived(payload: bytes) -> Arrived:
    return Arrived(site_id="site-a", device_id="fork", payload=payload, received_at=NOW)


def one(payload: bytes) -> Observation | Rejected:
    [item] = decode(arrived(payload), {})
    return item


def test_a_load_change_carries_its_tag_place_and_time() -> None:
    observation = one(FULL)
    assert observation.observation_id == "fork:7:123"
    assert observation.observed_at == datetime(2026, 11, 23, 5, 55, 30, 123_000, tzinfo=UTC)
    assert observation.reading == LoadChange(
        action="picked_up", epc_hex="3178E61C883950F59A000000", point=Point(12.5, -0.25, 1.5), sigma_m=0.21
    )


def test_a_load_change_under_a_satellite_receiver_is_in_its_frame() -> None:
    observation = one(FULL.replace(b'"x_m":12.5,', b'"x_m":115.9,"frame":"wgs84",'))
    assert observation.reading.frame == "wgs84"


def test_a_time_with_another_offset_is_the_same_moment() -> None:
    observation = one(FULL.replace(b"T05:55:30.123Z", b"T13:55:30.123+08:00"))
    assert observation.observed_at == datetime(2026, 11, 23, 5, 55, 30, 123_000, tzinfo=UTC)


def test_a_change_without_a_tag_is_a_position_that_is_suspect() -> None:
    observation = one(FULL.replace(b'"3178e61c883950f59a000000"', b"null"))
    assert isinstance(observation.reading, PositionReading)
    assert observation.quality == "suspect"


def test_a_list_is_read_in_its_order_and_one_bad_reading_costs_only_itself() -> None:
    bad = b'{"boot":7,"sequence":124,"observed_at":"2026-11-23T05:55:31Z","position":{"x_m":"left","y_m":1}}'
    items = decode(arrived(b"[" + FULL + b"," + bad + b"," + FULL.replace(b"123,", b"125,", 1) + b"]"), {})
    assert [(type(item).__name__, item.sequence) for item in items] == [
        ("Observation", 123),
        ("Rejected", 124),
        ("Observation", 125),
    ]
    assert (items[1].field, items[1].rule, items[1].boot) == ("position.x_m", "a number, not a text", 7)
    assert items[1].raw == bad


def test_a_device_may_speak_of_itself() -> None:
    message = b'{"boot":1,"sequence":1,"observed_at":"2026-11-23T05:55:31Z","status":"fault"}'
    assert one(message).reading == DeviceStatus(state="fault")


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (b"", "message"),
        (b"\xff\xfe", "message"),
        (b"{not json", "message"),
        (b"[]", "message"),
        (b"[" * 100_000, "message"),
        (b"[" + b",".join([b"{}"] * (READINGS_MAX + 1)) + b"]", "message"),
        (b" " * (MESSAGE_BYTES_MAX + 1), "message"),
        (b"7", "reading"),
        (b"{}", "reading"),
        (b'{"boot":1,"sequence":1,"observed_at":"yesterday","position":{"x_m":1,"y_m":1}}', "observed_at"),
        (
            b'{"boot":1,"sequence":1,"observed_at":"2026-11-23T05:55:31","position":{"x_m":1,"y_m":1}}',
            "observed_at",
        ),
        (b'{"boot":1,"sequence":1,"observed_at":"2026-11-23T05:55:31Z"}', "position"),
        (FULL.replace(b"picked_up", b"dropped"), "load.change"),
        (FULL.replace(b'{"boot"', b'{"device_id":"tag","boot"'), "device_id"),
    ],
)
def test_what_cannot_be_read_is_rejected_by_field_with_its_bytes(payload: bytes, field: str) -> None:
    rejected = one(payload)
    assert isinstance(rejected, Rejected)
    assert (rejected.device_id, rejected.field) == ("fork", field)
    assert rejected.raw == payload


def test_the_reply_is_what_trackers_wait_for() -> None:
    assert reply_topic("site-a", "fork") == "tallyhouse/v1/site-a/fork/reply"
    assert reply_payload(AckedThrough(boot=7, sequence=123)) == b'{"acked_through":{"boot":7,"sequence":123}}'
    assert place_of("tallyhouse/v1/site-a/fork/observation") == ("site-a", "fork", "observation")
    assert place_of("tallyhouse/v1/site-a/gw/vendor/a/b") == ("site-a", "gw", "vendor/a/b")
