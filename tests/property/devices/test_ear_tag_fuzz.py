"""Whatever a base station reports, whoever made the frame."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.ear_tag import codec
from devices.drivers.ear_tag.frame import FRAME_BYTES_MAX, verify
from devices.ingest.model import Received, Registration, check
from devices.ingest.readings import Bounds
from devices.transport.decoding import Arrived, FieldRejected
from kernel.messages import Rejected
from simulators.protocols.ear_tag.frames import Burst, Motion, Tag, iso_number

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
HERD_KEY = bytes(range(32))

numbers = st.integers() | st.floats() | st.sampled_from([0, 1, 2**53, 2**64, -1, 1e308])
anything = st.none() | st.booleans() | numbers | st.text(max_size=30) | st.lists(numbers, max_size=3)
samples = st.tuples(*[st.integers(-(2**15), 2**15 - 1)] * 3)
reports = st.fixed_dictionaries(
    {},
    optional={
        "boot": numbers,
        "sequence": numbers,
        "observed_at": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.text(max_size=30),
        "frame": st.text(max_size=80) | anything,
        "rssi_dbm": numbers | anything,
        "beat": st.dictionaries(st.sampled_from(["uptime_s", "heard_count", "battery_mv"]), numbers)
        | anything,
        "status": st.sampled_from(["online", "fault", "gap", 3]),
        "reason": st.text(max_size=600),
    },
)
messages = st.binary(max_size=300) | (reports | st.lists(reports, max_size=5) | anything).map(json.dumps).map(
    str.encode
)


@given(messages, st.sampled_from([HERD_KEY, None]))
def test_any_message_gives_readings_or_rejections(payload: bytes, herd_key: bytes | None) -> None:
    arrived = Arrived(
        site_id="ranch",
        device_id="station",
        payload=payload,
        received_at=NOW,
        settings={"herd_key": herd_key},
    )
    for item in codec.decode(arrived, {}):
        if isinstance(item, Rejected):
            assert item.field
            assert item.rule
            assert item.sequence is None or 1 <= item.sequence < 2**53
            continue
        device = Registration(device_id="station", site_id="ranch", family="ear_tag")
        broken = check(Received(observation=item, received_at=NOW), "ranch", device, Bounds())
        assert broken is None or (broken.field and broken.rule)


@given(st.binary(max_size=FRAME_BYTES_MAX + 10))
def test_bytes_that_no_tag_signed_are_never_a_beacon(frame: bytes) -> None:
    with pytest.raises(FieldRejected) as refused:
        verify(frame, HERD_KEY)
    assert refused.value.field.startswith("frame")


@given(
    country=st.integers(1, 999),
    national=st.integers(0, 2**38 - 1),
    counter=st.integers(0, 2**32 - 2),
    battery_mv=st.integers(0, 65_535),
    temperature_c=st.none() | st.integers(-30_000, 30_000).map(lambda hundredths: hundredths / 100),
    motion=st.none() | st.tuples(st.integers(0, 65_535), st.integers(0, 65_535)),
    burst=st.none() | st.tuples(st.integers(0, 255), st.lists(samples, max_size=255)),
    herd_key=st.binary(min_size=32, max_size=32),
)
def test_what_a_tag_says_is_what_is_read(
    country, national, counter, battery_mv, temperature_c, motion, burst, herd_key
) -> None:
    tag = Tag(herd_key, iso_number(country, national), counter=counter)
    said = verify(
        tag.beacon(
            battery_mv=battery_mv,
            temperature_c=temperature_c,
            motion=None if motion is None else Motion(*motion),
            burst=None if burst is None else Burst(*burst),
        ),
        herd_key,
    )
    assert said.animal.digits == f"{country:03}{national:012}"
    assert (said.counter, said.battery_mv) == (counter + 1, battery_mv)
    assert said.temperature_mc == (None if temperature_c is None else round(temperature_c * 100) * 10)
    assert (said.motion_mg, said.lying_permille) == (motion or (None, None))
    assert (said.burst_hz, list(said.burst_mg)) == (burst or (0, []))


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_frame_that_was_changed_anywhere_is_never_a_beacon(place: int, change: int) -> None:
    frame = bytearray(Tag(HERD_KEY, iso_number(156, 1)).beacon(temperature_c=38.5))
    frame[place % len(frame)] ^= change
    with pytest.raises(FieldRejected):
        verify(bytes(frame), HERD_KEY)
