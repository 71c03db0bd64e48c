"""Any bytes at all: the driver's codec and session answer with messages or FrameRejected, never otherwise."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.llrp import codec
from devices.drivers.llrp.framing import (
    RAW_BYTES_MAX,
    Frame,
    FrameRejected,
    FrameSplitter,
    MessageType,
    frame,
    parameters,
    tlv,
)
from devices.drivers.llrp.requests import RoSpec
from devices.drivers.llrp.session import Ended, LlrpSession

KNOWN_TYPES = st.sampled_from([int(kind) for kind in MessageType])
KNOWN_PARAMETERS = st.sampled_from(
    [128, 129, 137, 141, 177, 240, 241, 246, 248, 249, 251, 252, 255, 256, 257, 287, 363, 1023]
)

tv_parameters = st.builds(
    lambda kind, body: bytes([0x80 | kind]) + body, st.integers(0, 127), st.binary(max_size=12)
)
long_parameters = st.recursive(
    st.builds(tlv, KNOWN_PARAMETERS, st.binary(max_size=24)),
    lambda inner: st.builds(
        lambda kind, head, parts: tlv(kind, head, *parts),
        KNOWN_PARAMETERS,
        st.binary(max_size=4),
        st.lists(inner | tv_parameters, max_size=4),
    ),
    max_leaves=8,
)
plausible_bodies = st.lists(long_parameters | tv_parameters, max_size=4).map(b"".join)
plausible_frames = st.builds(
    frame,
    KNOWN_TYPES | st.integers(0, 1023),
    st.integers(1, 3) | st.integers(0, 2**32 - 1),
    plausible_bodies | st.binary(max_size=64) | plausible_bodies.map(b"\x01\x02".__add__),
    version=st.sampled_from([1, 2]),
)


@st.composite
def damaged_streams(draw: st.DrawFn) -> bytes:
    """Plausible messages, then cut short, lengthened, or with some bytes overwritten."""
    stream = bytearray(b"".join(draw(st.lists(plausible_frames, min_size=1, max_size=4))))
    for _ in range(draw(st.integers(0, 4))):
        stream[draw(st.integers(0, len(stream) - 1))] = draw(st.integers(0, 255))
    kept = draw(st.integers(0, len(stream)))
    return bytes(stream[:kept]) + draw(st.binary(max_size=16))


def shown(messages: list[Frame | FrameRejected]) -> list[object]:
    return [m if isinstance(m, Frame) else (m.field, m.rule, m.is_fatal) for m in messages]


@given(damaged_streams() | st.binary(max_size=256))
def test_any_stream_gives_messages_or_rejections_and_nothing_else(stream: bytes) -> None:
    for message in FrameSplitter().feed(stream):
        if isinstance(message, FrameRejected):
            assert message.field
            assert message.rule
            assert len(message.raw) <= RAW_BYTES_MAX
            continue
        try:
            codec.decode(message)
        except FrameRejected as error:
            assert not error.is_fatal, "a bad body never costs the connection"


@given(plausible_frames, st.data())
def test_a_body_cut_anywhere_is_read_or_rejected(whole: bytes, data: st.DataObject) -> None:
    body = whole[10 : data.draw(st.integers(10, len(whole)))]
    kind = struct.unpack_from(">H", whole)[0] & 0x3FF
    (message,) = FrameSplitter().feed(frame(kind, 1, body))
    assert isinstance(message, Frame)
    try:
        codec.decode(message)
    except FrameRejected as error:
        assert error.rule


@given(st.lists(plausible_frames, max_size=4).map(b"".join), st.data())
def test_segments_of_any_size_give_the_same_messages(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    splitter, pieces = FrameSplitter(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        pieces += splitter.feed(stream[start:end])
    assert shown(pieces) == shown(FrameSplitter().feed(stream))


@given(damaged_streams())
def test_byte_by_byte_gives_the_same_good_messages(stream: bytes) -> None:
    splitter, pieces = FrameSplitter(), []
    for byte in stream:
        pieces += splitter.feed(bytes([byte]))
    assert shown(pieces) == shown(FrameSplitter().feed(stream))


@given(st.lists(plausible_frames, max_size=8))
def test_every_frame_survives_framing(sent: list[bytes]) -> None:
    received = FrameSplitter().feed(b"".join(sent))
    assert [message.raw for message in received] == sent


@given(plausible_bodies)
def test_parameters_cover_their_body_up_to_the_first_bad_one(body: bytes) -> None:
    taken = b""
    try:
        for parameter in parameters(body, "body"):
            taken += parameter.raw
    except FrameRejected as error:
        taken += error.raw
    assert taken == body


@given(st.lists(damaged_streams() | plausible_frames, max_size=6))
def test_a_session_survives_anything_and_is_silent_after_its_end(segments: list[bytes]) -> None:
    session = LlrpSession(RoSpec(antennas=(1, 2)), keepalive_ms=1000, inputs=(1,))
    accepted = frame(63, 0, tlv(246, tlv(128, bytes(8)), tlv(256, bytes(2))))
    has_ended = False
    for segment in [accepted, *segments]:
        happenings = session.receive(segment)
        assert not (has_ended and happenings)
        ends = [index for index, happening in enumerate(happenings) if isinstance(happening, Ended)]
        assert ends in ([], [len(happenings) - 1])
        has_ended = has_ended or bool(ends)
        for request in FrameSplitter().feed(session.bytes_to_send()):
            assert isinstance(request, Frame)
