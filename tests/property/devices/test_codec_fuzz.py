"""Whatever bytes come, codecs answer with readings or rejections, and ingest with a rule or none."""

import json
import struct
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.modbus_barrier import codec as barrier
from devices.drivers.modbus_weighbridge import codec as weighbridge
from devices.drivers.modbus_weighbridge.profiles import PROFILES
from devices.drivers.mqtt_position.codec import decode
from devices.drivers.mqtt_reader import codec as mqtt_reader
from devices.drivers.pda.codec import Scan, scan_observation
from devices.families import FAMILIES
from devices.ingest.model import Received, Registration, check, rejected
from devices.ingest.readings import Bounds, Broken
from devices.transport.decoding import Arrived, FieldRejected
from devices.transport.modbus_answer import AnswerRejected, check_answer
from kernel.messages import BarrierState, Observation, Rejected
from kernel.units import MASS_G_MAX

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BOUNDS = Bounds(width_m=120.0, length_m=84.0, height_m=9.0)


def arrived(payload: bytes) -> Arrived:
    return Arrived(site_id="site-a", device_id="fork", payload=payload, received_at=NOW)


numbers = st.integers() | st.floats() | st.sampled_from([0, 1, 2**31, 2**53, 2**63, 2**64, -1, 1e308])
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
moments = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.text(max_size=30)
positions = st.fixed_dictionaries(
    {"x_m": numbers | anything, "y_m": numbers},
    optional={
        "z_m": numbers,
        "heading_deg": numbers,
        "speed_mps": numbers,
        "sigma_m": numbers,
        "frame": anything,
    },
)
loads = st.fixed_dictionaries(
    {},
    optional={
        "change": st.sampled_from(["picked_up", "set_down", None, "x"]),
        "epc": st.text(max_size=30) | st.none() | st.binary(max_size=14).map(bytes.hex),
    },
)
reports = st.fixed_dictionaries(
    {},
    optional={
        "boot": numbers,
        "sequence": numbers,
        "observed_at": moments,
        "position": positions | anything,
        "load": loads | anything,
        "status": st.sampled_from(["online", "offline", "fault", "gap", 3]),
        "device_id": st.sampled_from(["fork", "other", 7]),
    },
)
messages = st.binary(max_size=300) | (reports | st.lists(reports, max_size=5) | anything).map(json.dumps).map(
    str.encode
)


def has_a_verdict(observation: Observation, family: str) -> None:
    """Ingest says stored or which rule, and what is refused can be written down."""
    device = Registration(device_id=observation.device_id, site_id="site-a", family=family)
    received = Received(observation=observation, received_at=NOW)
    broken = check(received, "site-a", device, BOUNDS)
    assert broken is None or (broken.field and broken.rule)
    if broken is not None:
        entry = rejected(received, broken)
        assert entry.raw
        assert entry.boot is None or 0 <= entry.boot < 2**53


@given(messages)
def test_any_message_gives_readings_or_rejections(payload: bytes) -> None:
    for item in decode(arrived(payload), {}):
        if isinstance(item, Rejected):
            assert item.device_id == "fork"
            assert item.field
            assert item.rule
            assert item.sequence is None or 1 <= item.sequence < 2**53
        else:
            has_a_verdict(item, "mqtt_position")


@given(st.binary(max_size=300), st.integers(0, 300), st.binary(max_size=4))
def test_a_good_message_with_some_bytes_changed_is_never_an_accident(
    tail: bytes, place: int, splice: bytes
) -> None:
    good = b'{"boot":7,"sequence":123,"observed_at":"2026-11-23T05:55:30Z","position":{"x_m":1.5,"y_m":2}}'
    for item in decode(arrived(good[:place] + splice + good[place + 1 :] + tail[:2]), {}):
        assert isinstance(item, Observation | Rejected)


profiles = st.sampled_from(sorted(PROFILES))


@given(profiles, st.lists(st.integers(-5, 70_000) | st.integers(0, 0xFFFF), max_size=80))
def test_any_registers_give_a_snapshot_or_the_field_that_is_wrong(name: str, words: list[int]) -> None:
    profile = PROFILES[name]
    try:
        snapshot = weighbridge.decode(profile, words)
    except FieldRejected as error:
        assert error.field
        return
    assert len(words) == profile.words
    assert abs(snapshot.shown.mass_g) <= MASS_G_MAX


@given(profiles, st.data())
def test_any_register_map_that_reads_is_judged_by_ingest(name: str, data: st.DataObject) -> None:
    profile = PROFILES[name]
    words = data.draw(
        st.lists(st.integers(0, 0xFFFF), min_size=profile.words, max_size=profile.words)
        | st.lists(st.sampled_from([0, 1, 15, 16, 17]), min_size=profile.words, max_size=profile.words)
    )
    try:
        last = weighbridge.decode(profile, words).last
    except FieldRejected:
        return
    if last is not None:
        assert last.weighed_at.tzinfo is not None
        assert 1 <= last.weight_id < 2**32
        assert abs(last.mass_g) <= MASS_G_MAX


@given(st.sampled_from([2, 3, 5]), st.integers(0, 12), st.binary(max_size=4), st.binary(max_size=300))
def test_any_answer_over_modbus_is_whole_or_not_yet_or_breaks_a_field(
    function: int, kept: int, splice: bytes, tail: bytes
) -> None:
    asked = struct.pack(">HHHBBHH", 9, 0, 6, 1, function, 0, 3)
    good = struct.pack(">HHHBBB", 9, 0, 9, 1, function, 6) + bytes(6)
    try:
        is_whole = check_answer(asked, good[:kept] + splice + tail)
    except AnswerRejected as error:
        assert error.field
        assert error.rule
        return
    assert is_whole in (True, False)


@given(st.lists(st.booleans(), max_size=10))
def test_any_inputs_give_a_state_or_the_field_that_is_wrong(bits: list[bool]) -> None:
    try:
        state = barrier.decode(bits)
    except FieldRejected as error:
        assert error.field
        return
    assert isinstance(state, BarrierState)
    assert not (state.is_open and state.is_closed)


@given(st.text(max_size=600), st.text(max_size=600) | st.none(), st.text(max_size=20), numbers, moments)
def test_any_text_that_is_scanned_is_judged_by_ingest(
    code: str, place: str | None, symbology: str, sequence: Any, at: str
) -> None:
    try:
        scan = msgspec.convert(
            {
                "boot": 1,
                "sequence": sequence,
                "observed_at": at,
                "code": code,
                "place_code": place,
                "symbology": symbology,
            },
            Scan,
        )
    except msgspec.ValidationError:
        return
    has_a_verdict(scan_observation("pda-1", "person-1", scan), "pda")


@given(st.sampled_from(sorted(FAMILIES)), st.booleans())
def test_a_device_of_another_site_or_none_is_always_refused(family: str, is_known: bool) -> None:
    observation = Observation(
        device_id="fork",
        boot=1,
        sequence=1,
        observed_at=NOW,
        reading=BarrierState(is_open=True, is_closed=False, loop_occupied=False),
    )
    device = Registration(device_id="fork", site_id="site-b", family=family) if is_known else None
    broken = check(Received(observation=observation, received_at=NOW), "site-a", device, BOUNDS)
    assert isinstance(broken, Broken)
    assert broken.field == "device_id"


reads = st.fixed_dictionaries(
    {"epc": st.text(max_size=30) | anything, "rssi_cdbm": numbers | anything},
    optional={"antenna": numbers, "count": numbers, "after_ms": numbers, "tid": st.text(max_size=30)},
)
batches = st.fixed_dictionaries(
    {"boot": numbers, "sequence": numbers, "observed_at": moments},
    optional={"reads": st.lists(reads | anything, max_size=5) | anything, "status": anything},
).map(lambda batch: json.dumps(batch, default=str).encode())


@given(batches | st.binary(max_size=60))
def test_any_batch_gives_reads_or_rejections(payload: bytes) -> None:
    for item in mqtt_reader.decode(arrived(payload), {}):
        assert isinstance(item, Observation | Rejected)
        if isinstance(item, Observation):
            has_a_verdict(item, "mqtt_reader")
        else:
            assert item.field
            assert item.rule
