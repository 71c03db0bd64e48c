"""Messages as Pozyx documents them ("MQTT positioning stream data structure" and "MQTT with Developer Tag"
in its documentation), and what must come of each."""

from datetime import UTC, datetime

import pytest

from devices.drivers.uwb.codec import MESSAGE_BYTES_MAX, UPDATES_MAX, decode
from devices.transport.decoding import Arrived
from kernel.geometry import Point
from kernel.messages import DeviceStatus, Observation, PositionReading, Rejected

NOW = datetime(2021, 3, 17, 12, 43, tzinfo=UTC)
NODES = {"30331": "forklift-1", "10001009": "forklift-2"}
DEVELOPER_TAG = b"""[{"version": "2.0", "tagId": "30331", "timestamp": 1615984968.8071718, "data": {"metrics":
{"latency": 28, "rates": {"success": 0.76, "update": 1.04, "packetLoss": 0}}, "tagData": {"blinkIndex": 127,
"acceleration": {"x": -12, "y": 69, "z": 949}, "gyro": {"x": -0.0625, "y": -0.0625, "z": -0.0625}, "pressure":
98543.25, "customSensors": [{"name": "customPayload", "value": ""}]}, "anchorData": [{"tagId": "30331",
"anchorId": "28205", "rss": -82.12}, {"tagId": "30331", "anchorId": "46990", "rss": -80.92}], "coordinates":
{"x": 4425, "y": 6201, "z": -100}}, "success": true}]"""
FAILED = b"""[{"version":"2.0","tagId":"30331","timestamp":1615984969.9,"success":false,
"errorCode":"NotEnoughData"}]"""


def read(payload: bytes, channel: str = "vendor/tags", **settings: object) -> list[Observation | Rejected]:
    arrived = Arrived(
        site_id="site-a",
        device_id="gateway",
        payload=payload,
        received_at=NOW,
        channel=channel,
        settings=settings,
    )
    return decode(arrived, NODES)


def test_an_update_is_a_position_in_metres_at_the_time_it_was_calculated() -> None:
    [position] = read(DEVELOPER_TAG)
    assert position.device_id == "forklift-1"
    assert position.observed_at == datetime(2021, 3, 17, 12, 42, 48, 807172, tzinfo=UTC)
    assert position.reading == PositionReading(point=Point(4.425, 6.201, -0.1), frame="anchor", sigma_m=0.3)


def test_a_tag_that_could_not_be_placed_has_no_position() -> None:
    [said] = read(FAILED)
    assert said.device_id == "forklift-1"
    assert said.reading == DeviceStatus(state="fault", reason="no position: NotEnoughData")


def test_coordinates_beside_a_failure_are_not_believed() -> None:
    [said] = read(DEVELOPER_TAG.replace(b'"success": true', b'"success": false'))
    assert said.reading == DeviceStatus(state="fault", reason="no position")


def test_a_server_that_tells_metres_is_enrolled_as_such() -> None:
    [position] = read(DEVELOPER_TAG.replace(b"4425", b"4.425"), unit="m", sigma_m=0.15)
    assert position.reading == PositionReading(point=Point(4.425, 6201.0, -100.0), sigma_m=0.15)


def test_the_stream_of_one_tag_reads_the_same() -> None:
    assert read(DEVELOPER_TAG, "vendor/tags/30331") == read(DEVELOPER_TAG)


def test_a_batch_is_read_in_its_order_and_a_stranger_costs_only_itself() -> None:
    stranger = (
        b'{"tagId":"666","timestamp":1615984970,"success":true,"data":{"coordinates":{"x":1,"y":2,"z":3}}}'
    )
    known = stranger.replace(b"666", b"10001009")
    items = read(b"[" + stranger + b"," + known + b"]")
    assert isinstance(items[0], Rejected)
    assert (items[0].field, items[0].rule, items[0].raw) == ("tagId", "a node of this gateway", stranger)
    assert items[0].device_id == "gateway"
    assert items[1].device_id == "forklift-2"


def test_a_message_that_comes_twice_is_one_reading() -> None:
    [first], [second] = read(DEVELOPER_TAG), read(DEVELOPER_TAG)
    assert first.observation_id == second.observation_id
    [other] = read(DEVELOPER_TAG.replace(b"4425", b"4426"))
    assert other.observation_id != first.observation_id


@pytest.mark.parametrize(
    ("payload", "channel", "field"),
    [
        (b"{", "vendor/tags", "message"),
        (b"[]", "vendor/tags", "message"),
        (b"7", "vendor/tags", "update"),
        (b"[" * 2000, "vendor/tags", "message"),
        (b" " * (MESSAGE_BYTES_MAX + 1), "vendor/tags", "message"),
        (b"[" + b"{}," * UPDATES_MAX + b"{}]", "vendor/tags", "message"),
        (DEVELOPER_TAG, "vendor/ble-data", "channel"),
        (DEVELOPER_TAG, "observation", "channel"),
        (DEVELOPER_TAG.replace(b"1615984968.8071718", b"1e300"), "vendor/tags", "timestamp"),
        (DEVELOPER_TAG.replace(b'"x": 4425', b'"x": "left"'), "vendor/tags", "data.coordinates.x"),
        (DEVELOPER_TAG.replace(b'"coordinates"', b'"koordinates"'), "vendor/tags", "data.coordinates"),
        (DEVELOPER_TAG.replace(b'"success": true', b'"success": 1'), "vendor/tags", "success"),
    ],
)
def test_what_is_wrong_is_set_aside_under_its_field(payload: bytes, channel: str, field: str) -> None:
    [rejected] = read(payload, channel)
    assert isinstance(rejected, Rejected)
    assert rejected.field == field
    assert rejected.rule
