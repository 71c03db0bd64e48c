"""Whatever a maker's gateway sends, its codec gives readings or rejections, and ingest a verdict."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.chirpstack import codec as chirpstack
from devices.drivers.uwb import codec as uwb
from devices.ingest.model import Received, Registration, check, rejected
from devices.ingest.readings import Bounds
from devices.transport.decoding import Arrived
from kernel.messages import Observation, Rejected

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BOUNDS = Bounds(width_m=120.0, length_m=84.0, height_m=9.0)
Decode = Callable[[Arrived, Mapping[str, str]], Sequence[Observation | Rejected]]

numbers = st.integers() | st.floats() | st.sampled_from([0, 1, 2**31, 2**53, 2**63, 2**64, -1, 1e308])
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def shape(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> st.SearchStrategy[Any]:
    """Objects of about the right form, or of none at all."""
    return st.fixed_dictionaries(dict(required), optional=dict(optional or {})) | anything


def encoded(messages: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=300) | messages.map(json.dumps).map(str.encode)


def has_a_verdict(
    decode: Decode, family: str, payload: bytes, channel: str, nodes: Mapping[str, str], **settings: Any
) -> None:
    """Every item can be stored or set aside."""
    arrived = Arrived(
        site_id="site-a",
        device_id="gateway",
        payload=payload,
        received_at=NOW,
        channel=channel,
        settings=settings,
    )
    for item in decode(arrived, nodes):
        if isinstance(item, Rejected):
            assert item.device_id == "gateway"
            assert item.field
            assert item.rule
            continue
        device = Registration(device_id=item.device_id, site_id="site-a", family=family)
        received = Received(observation=item, received_at=NOW)
        broken = check(received, "site-a", device, BOUNDS)
        if broken is not None:
            assert broken.field
            assert broken.rule
            assert rejected(received, broken).raw


points = shape({"x": numbers, "y": numbers}, {"z": numbers})
updates = shape(
    {
        "tagId": st.sampled_from(["1", "2", 1, None]),
        "timestamp": numbers,
        "success": st.booleans() | anything,
    },
    {"data": shape({"coordinates": points}), "errorCode": st.text(max_size=200) | st.integers()},
)


@given(
    encoded(updates | st.lists(updates, max_size=4)),
    st.sampled_from(["vendor/tags", "vendor/tags/1", "observation", "vendor/"]),
    st.sampled_from(["mm", "m"]),
)
def test_any_message_of_a_positioning_server_gives_readings_or_rejections(
    payload: bytes, channel: str, unit: str
) -> None:
    has_a_verdict(uwb.decode, "uwb", payload, channel, {"1": "tag-1"}, unit=unit)


EUI = "0101010101010101"
infos = shape({"devEui": st.sampled_from([EUI, EUI, "02", 7])})
moments = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.text(max_size=30)
heard = shape({"gatewayId": st.text(max_size=20)}, {"rssi": numbers, "snr": numbers})
names = st.sampled_from(
    [
        "temperature",
        "TempC_SHT",
        "humiditySensor",
        "BatV",
        "door",
        "latitude",
        "Longitude",
        "gpsLocation",
        "x",
    ]
)
objects = st.dictionaries(names, numbers | anything | st.dictionaries(names, numbers, max_size=3), max_size=5)
events = shape(
    {"time": moments, "deviceInfo": infos},
    {
        "deduplicationId": st.text(max_size=40),
        "devAddr": st.text(max_size=10),
        "fCnt": numbers,
        "rxInfo": st.lists(heard, max_size=3),
        "object": objects | anything,
        "margin": numbers,
        "batteryLevel": numbers,
        "level": st.sampled_from(["ERROR", "INFO", 3]),
        "code": st.text(max_size=20),
        "description": st.text(max_size=300),
        "location": shape({"latitude": numbers, "longitude": numbers}, {"accuracy": numbers}),
    },
)
whole_uplinks = st.fixed_dictionaries(
    {
        "time": st.just("2026-11-23T05:59:00Z"),
        "deviceInfo": st.just({"devEui": EUI}),
        "devAddr": st.just("00189440"),
        "fCnt": st.integers(0, 2**33),
        "object": objects,
        "rxInfo": st.lists(heard, max_size=2),
    }
)


@given(
    encoded(events | whole_uplinks),
    st.sampled_from(["up", "join", "status", "log", "location", "ack", "x"]),
)
def test_any_event_of_a_network_server_gives_readings_or_rejections(payload: bytes, event: str) -> None:
    channel = f"vendor/application/1/device/{EUI}/event/{event}"
    has_a_verdict(chirpstack.decode, "chirpstack", payload, channel, {EUI: "node"})


@given(st.text(max_size=60))
def test_any_topic_below_vendor_is_an_event_or_is_refused(rest: str) -> None:
    has_a_verdict(chirpstack.decode, "chirpstack", b"{}", f"vendor/{rest}", {EUI: "node"})
