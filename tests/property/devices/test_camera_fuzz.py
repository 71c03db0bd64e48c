"""Whatever a camera sends, its stream is cut into parts or is broken; a picture is looked at or refused."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.drivers.camera.codec import PART_BYTES_MAX, Part, Parts, StreamBroken, boundary_of
from devices.drivers.camera.eye import Eye
from devices.drivers.camera.jpeg import PIXELS_MAX, picture_size
from devices.transport.decoding import FieldRejected
from devices.transport.view import read_view
from tests.contract.camera.pictures import by_pillow
from tests.contract.camera.racks import the_view

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
JPEGS = st.sampled_from([by_pillow(), by_pillow(progressive=True), by_pillow("L")])
VIEW = read_view(the_view())

bites = st.lists(
    st.tuples(st.integers(0, 2_000), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=5
)
lines = st.sampled_from(
    [
        b"Content-Type: image/jpeg",
        b"Content-Type: text/html",
        b"Content-Length: 12",
        b"Content-Length: 99999999",
        b"Content-Length: x",
        b"",
        b"--b",
        b"--b--",
    ]
)
pieces = st.one_of(
    st.binary(max_size=80),
    JPEGS,
    lines.map(lambda line: line + b"\r\n"),
    lines.map(lambda line: line + b"\n"),
)
streams = st.lists(pieces, max_size=14).map(b"".join)


@st.composite
def bitten(draw: st.DrawFn) -> bytes:
    """A JPEG with some bytes replaced, taken out or put in."""
    jpeg = draw(JPEGS)
    for at, length, instead in draw(bites):
        place = at % (len(jpeg) + 1)
        jpeg = jpeg[:place] + instead + jpeg[place + length :]
    return jpeg


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), bitten()))
def test_any_picture_is_looked_at_or_refused_by_field(jpeg: bytes) -> None:
    try:
        width, height = picture_size(jpeg)
        assert 0 < width * height <= PIXELS_MAX
        seen = Eye(VIEW, timedelta(seconds=1), reads_codes=True).look(jpeg, AT)
    except FieldRejected as refused:
        assert refused.field.startswith("jpeg")
        assert refused.rule
    else:
        assert seen.state in ("fresh", "dark")
        assert len(seen.looked.verdicts) in (0, len(VIEW.slots))


def cut(data: bytes, steps: list[int]) -> tuple[list[Part], bool]:
    """The parts of a stream that comes in steps, and whether it broke."""
    parts, cutter, at = [], Parts(b"b"), 0
    for step in [*steps, len(data)]:
        try:
            parts += cutter.feed(data[at : at + step])
        except StreamBroken as broken:
            assert broken.field == "boundary"
            return parts, True
        at += step
    return parts, False


@settings(deadline=None)
@given(streams, st.lists(st.integers(1, 60), max_size=10))
def test_any_stream_is_cut_into_the_same_parts_however_it_comes(data: bytes, steps: list[int]) -> None:
    whole, broke = cut(data, [])
    stepped, broke_too = cut(data, steps)
    assert broke == broke_too
    shown = [(part.body, part.offset, None if part.broken is None else part.broken.field) for part in whole]
    assert shown == [
        (part.body, part.offset, None if part.broken is None else part.broken.field) for part in stepped
    ]
    assert all(len(part.body) <= PART_BYTES_MAX for part in whole)


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_content_type_gives_a_boundary_or_is_refused(header: str) -> None:
    try:
        assert len(boundary_of(header)) <= 70
    except StreamBroken as broken:
        assert broken.field == "content-type"
