"""Whatever bytes a terminal sends, cut anywhere: its session makes steps of it, and ingest has a verdict."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.jt808 import framing
from devices.drivers.jt808.driver import Jt808Session
from devices.drivers.teltonika.codec import crc16_ibm
from devices.drivers.teltonika.driver import TeltonikaSession
from devices.ingest.model import Received, Registration, check, rejected
from devices.ingest.readings import Bounds
from devices.transport.allowance import Allowance
from devices.transport.terminals import Admission, Session, Step, Terminal, code_digest
from kernel.messages import Observation
from simulators.protocols.jt808 import frames as jt808
from simulators.protocols.teltonika.frames import Fix, login, packet, record

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
IMEI = "356307042441013"


class Everybody:
    """Admits whoever comes."""

    def find(self, name: str) -> Terminal | None:
        return Terminal(device_id="truck", site_id="site-a", name=name)

    def new_code(self) -> str:
        return "a-code"


def fed(
    make: Callable[[Admission], Session], parts: Sequence[bytes], admission: Admission | None = None
) -> list[Step]:
    session = make(admission or Everybody())
    return [step for part in parts for step in session.receive(part, NOW)]


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


def have_verdicts(steps: Sequence[Step], family: str) -> None:
    """Every item can be stored or be set aside with field and rule; nothing follows an end."""
    for step in steps:
        for item in step.items:
            if not isinstance(item, Observation):
                assert item.field
                assert item.rule
                continue
            device = Registration(device_id=item.device_id, site_id="site-a", family=family)
            received = Received(observation=item, received_at=NOW)
            broken = check(received, "site-a", device, Bounds())
            if broken is not None:
                assert rejected(received, broken).raw
    assert all(not step.ends for step in steps[:-1])


# --- Teltonika ---------------------------------------------------------------------------------------


def with_crc(data: bytes) -> bytes:
    return bytes(4) + len(data).to_bytes(4, "big") + data + crc16_ibm(data).to_bytes(4, "big")


codecs = st.sampled_from([0x08, 0x8E, 0x10])
fixes = st.builds(
    Fix,
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.integers(-500, 9_000),
    st.integers(0, 360),
    st.integers(0, 300),
    st.integers(0, 30),
)
elements = st.dictionaries(
    st.integers(0, 255), st.sampled_from([1, 2, 4, 8]).flatmap(lambda n: st.binary(min_size=n, max_size=n))
)
moments = st.integers(0, 300 * 86_400).map(lambda seconds: NOW - timedelta(seconds=seconds))


@st.composite
def good_packets(draw: st.DrawFn) -> bytes:
    codec = draw(codecs)
    records = draw(st.lists(st.tuples(moments, fixes, elements, st.integers(0, 2)), max_size=4))
    return packet(
        [record(at, fix, elements=io, priority=rank, codec=codec) for at, fix, io, rank in records], codec
    )


rubbish = st.binary(max_size=200) | st.binary(max_size=200).map(with_crc)
bodies = st.builds(lambda codec, rest: with_crc(bytes([codec]) + rest), codecs, st.binary(max_size=200))


@given(st.lists(rubbish | bodies | good_packets(), max_size=4), st.booleans())
def test_any_stream_to_a_teltonika_port_ends_in_steps(parts: list[bytes], says_who: bool) -> None:
    have_verdicts(fed(TeltonikaSession, [login(IMEI), *parts] if says_who else parts), "teltonika")


@given(st.lists(good_packets(), min_size=1, max_size=3), st.lists(st.integers(0, 10_000), max_size=20))
def test_packets_cut_anywhere_give_the_same_steps(packets: list[bytes], places: list[int]) -> None:
    stream = login(IMEI) + b"".join(packets)
    whole, parts = fed(TeltonikaSession, [stream]), fed(TeltonikaSession, cut(stream, places))
    assert whole == parts
    assert len(whole) == 1 + len(packets)


@given(good_packets(), st.integers(0, 400), st.integers(0, 255))
def test_a_packet_with_one_byte_changed_is_never_counted_as_another(
    good: bytes, place: int, value: int
) -> None:
    bad = bytearray(good)
    bad[place % len(bad)] = value
    steps = fed(TeltonikaSession, [login(IMEI), bytes(bad)])
    have_verdicts(steps, "teltonika")
    if bytes(bad) != good:
        answered = [step.answer for step in steps[1:]]
        assert all(answer in (b"", bytes(4)) for answer in answered), "CRC-16 finds every change of one byte"


# --- allowance ---------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 10)), max_size=40))
def test_no_more_is_taken_than_the_burst_and_the_rate_allow(sent: list[tuple[int, float]]) -> None:
    allowance, now_s, taken = Allowance(5, 20), 0.0, 0
    for count, pause_s in sent:
        now_s += pause_s
        taken += count
        now_s += allowance.wait_s(count, now_s)
        assert taken <= 20 + 5 * now_s + 1e-6


def test_an_allowance_must_allow_something() -> None:
    with pytest.raises(ValueError, match="positive"):
        Allowance(0, 10)


# --- JT/T 808 ----------------------------------------------------------------------------------------

NUMBER = "13800138000"
SHOWS_CODE = jt808.message(0x0102, NUMBER, 0, b"a-code")[0]


class Registered(Everybody):
    """Admits whoever shows `a-code`."""

    def find(self, name: str) -> Terminal | None:
        found = super().find(name)
        return found and msgspec.structs.replace(found, code_sha256=code_digest("a-code"), is_code_used=True)


words = st.integers(0, 2**32 - 1)
locations = st.builds(
    jt808.location,
    moments,
    st.builds(
        jt808.Fix,
        st.floats(-90, 90),
        st.floats(-180, 180),
        st.integers(-500, 9_000),
        st.integers(0, 359),
        st.integers(0, 2_000),
        words,
        words,
        st.booleans(),
    ),
    st.dictionaries(st.integers(0, 255), st.binary(max_size=20), max_size=4),
)
locations = locations | st.builds(lambda body, cut: body[:cut], locations, st.integers(0, 60))
reports = locations.map(lambda body: (0x0200, body))
batches = st.lists(locations, max_size=8).map(lambda bodies: (0x0704, jt808.batch(bodies)))
others = st.tuples(
    st.sampled_from([0x0001, 0x0002, 0x0003, 0x0100, 0x0102, 0x0200, 0x0704, 0x0900, 0xFFFF]),
    st.binary(max_size=120),
)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    message_id, body = draw(reports | batches | others)
    return b"".join(
        jt808.message(
            message_id,
            NUMBER,
            draw(st.integers(0, 0xFFFF)),
            body,
            is_2019=draw(st.booleans()),
            split_at=draw(st.sampled_from([0, 0, 30, 200])),
        )
    )


framed = st.binary(max_size=200).map(jt808.frame) | st.binary(max_size=60)


@given(st.lists(frames() | framed, max_size=5), st.booleans())
def test_any_stream_to_a_jt808_port_ends_in_steps(parts: list[bytes], shows_code: bool) -> None:
    steps = fed(Jt808Session, [SHOWS_CODE, *parts] if shows_code else parts, Registered())
    have_verdicts(steps, "jt808")
    for step in steps:
        answered, rest = jt808.answers(step.answer)
        assert rest == b""
        assert all(answer.message_id in (0x8001, 0x8003, 0x8100) for answer in answered)


@given(st.lists(frames(), min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=20))
def test_frames_cut_anywhere_give_the_same_steps(parts: list[bytes], places: list[int]) -> None:
    stream = SHOWS_CODE + b"".join(parts)
    whole = fed(Jt808Session, [stream], Registered())
    assert whole == fed(Jt808Session, cut(stream, places), Registered())


@given(reports, st.integers(0, 400), st.integers(1, 255))
def test_a_frame_with_one_byte_changed_is_never_another_position(
    report: tuple[int, bytes], place: int, change: int
) -> None:
    [good] = jt808.message(*report[:1], NUMBER, 1, report[1])
    bad = bytearray(good)
    bad[1 + place % (len(bad) - 2)] ^= change
    steps = fed(Jt808Session, [SHOWS_CODE, bytes(bad)], Registered())
    have_verdicts(steps, "jt808")
    # A changed flag cuts the frame in two, a changed escape shortens it; XOR finds every other change.
    for step in steps[1:]:
        assert not any(isinstance(item, Observation) for item in step.items)


@given(st.binary(max_size=600), st.lists(st.integers(0, 10_000), max_size=10))
def test_any_bytes_are_escaped_and_back(plain: bytes, places: list[int]) -> None:
    assert framing.unescaped(framing.escaped(plain)) == plain
    assert b"\x7e" not in framing.escaped(plain)
    stream = jt808.frame(plain) * 2
    whole, parts = framing.Deframer(), framing.Deframer()
    seen = [repr(one) for one in whole.feed(stream)]
    assert seen == [repr(one) for part in cut(stream, places) for one in parts.feed(part)]
