"""JPEGs of encoders that are not ours and the parts of streams as cameras send them, and what comes of each.

The forms of the streams are those of RFC 2046 and of cameras that take liberties with it.
"""

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from devices.drivers.camera.codec import (
    HEADER_BYTES_MAX,
    PART_BYTES_MAX,
    PREAMBLE_BYTES_MAX,
    Parts,
    StreamBroken,
    boundary_of,
)
from devices.drivers.camera.eye import Eye
from devices.drivers.camera.jpeg import AFTER_END_BYTES_MAX, SCANS_MAX, picture_size
from devices.drivers.camera.marks import find_codes
from devices.transport.decoding import FieldRejected
from tests.contract.camera.pictures import PHOTOGRAPH, by_pillow, by_vtk, with_frame

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BASELINE, PROGRESSIVE = by_pillow(), by_pillow(progressive=True)


@pytest.mark.parametrize(
    ("jpeg", "size"),
    [
        (PHOTOGRAPH.read_bytes(), (512, 600)),
        (BASELINE, (96, 64)),
        (PROGRESSIVE, (96, 64)),
        (by_pillow("L"), (96, 64)),
        (by_pillow(subsampling=0, quality=100), (96, 64)),
        (by_pillow(restart_marker_rows=1), (96, 64)),
        (by_vtk(), (96, 64)),
        (BASELINE + bytes(100), (96, 64)),
    ],
    ids=["photograph", "baseline", "progressive", "grey", "4:4:4", "restarts", "VTK", "filled up"],
)
def test_a_jpeg_of_any_encoder_is_whole_and_as_large_as_its_frame_says(
    jpeg: bytes, size: tuple[int, int]
) -> None:
    assert picture_size(jpeg) == size
    seen = Eye(None, timedelta(seconds=1), reads_codes=True).look(jpeg, AT)
    assert (seen.state, seen.trouble, seen.looked.verdicts) == ("fresh", "", ())


A_SCAN = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]


@pytest.mark.parametrize(
    ("jpeg", "field", "rule"),
    [
        (b"", "jpeg", "begins with SOI"),
        (b"GIF89a" + BASELINE, "jpeg", "begins with SOI"),
        (BASELINE[:-2], "jpeg", f"it ends at offset {len(BASELINE) - 2} without EOI"),
        (BASELINE[:300], "jpeg.segment", "a length within the picture"),
        (b"\xff\xd8\xff\xd9", "jpeg", "a scan before its end"),
        (b"\xff\xd8\xff\xd8", "jpeg.marker", "a marker, at offset 3"),
        (b"\xff\xd8abc", "jpeg.marker", "FF, at offset 2"),
        (b"\xff\xd8" + A_SCAN + b"\xff\xd9", "jpeg.frame", "one before the first scan"),
        (with_frame(BASELINE, 1, b"\xff\xff\xff\xff"), "jpeg.size", "64 to 8192 pixels a side"),
        (with_frame(BASELINE, 1, b"\x20\x00\x20\x00"), "jpeg.size", "at most 20000000 in all"),
        (with_frame(BASELINE, 1, b"\x00\x00"), "jpeg.size", "64 to 8192 pixels a side"),
        (with_frame(BASELINE, 0, b"\x0c"), "jpeg.precision", "8 bits"),
        (with_frame(BASELINE, 5, b"\x04"), "jpeg.components", "1 or 3"),
        (BASELINE.replace(b"\xff\xc0", b"\xff\xc9", 1), "jpeg.frame", "baseline or progressive"),
        (PROGRESSIVE[:-2] + A_SCAN * SCANS_MAX + b"\xff\xd9", "jpeg.scans", f"at most {SCANS_MAX}"),
        (BASELINE + bytes(AFTER_END_BYTES_MAX + 1), "jpeg", "bytes after its end"),
    ],
)
def test_what_may_not_be_decoded_is_refused_by_field_and_offset(jpeg: bytes, field: str, rule: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        picture_size(jpeg)
    assert refused.value.field == field
    assert rule in refused.value.rule
    assert "offset" in refused.value.rule


# --- streams --------------------------------------------------------------------------------------

PICTURES = [BASELINE, PROGRESSIVE, BASELINE[::-1]]
"""The last is none, and may hold anything."""
TEXT = b"Content-Type: image/jpeg\r\n"


def stream(
    head: bytes, newline: bytes = b"\r\n", *, length: int | None = None, mark: bytes = b"--b"
) -> bytes:
    """Three pictures, with a length that is off by so much, or with none."""
    said = []
    for picture in PICTURES:
        told = b"" if length is None else b"Content-Length: %d\r\n" % (len(picture) + length)
        lines = (mark + b"\r\n" + head + told + b"\r\n").replace(b"\r\n", newline)
        said.append(lines + picture + newline)
    return b"".join(said) + mark + b"--\r\n"


@pytest.mark.parametrize(
    ("data", "boundary"),
    [
        (stream(TEXT, length=0), b"b"),
        (stream(TEXT), b"b"),
        (stream(TEXT.lower(), b"\n"), b"b"),
        (stream(TEXT, mark=b"----b"), b"--b"),
        (stream(TEXT, mark=b"--b"), b"--b"),
        (b"This is a preamble.\r\n" + stream(TEXT), b"b"),
        (stream(TEXT + b"X-Timestamp: 12.5\r\n", length=0), b"b"),
    ],
    ids=["length", "no length", "LF", "dashes", "dashes in the name", "preamble", "more"],
)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_a_stream_is_cut_into_its_pictures_however_it_comes(data: bytes, boundary: bytes, step: int) -> None:
    parts, cut = [], Parts(boundary)
    for start in range(0, len(data), step):
        parts += cut.feed(data[start : start + step])
    assert [part.body for part in parts[:3]] == [picture.rstrip(b"-\r\n") for picture in PICTURES]
    assert not any(part.broken for part in parts)
    for part in parts[:3]:
        assert data[part.offset : part.offset + len(part.body)] == part.body


def test_a_length_that_is_too_short_costs_its_picture_and_no_other() -> None:
    parts = Parts(b"b").feed(stream(TEXT, length=-100))
    assert [part.body for part in parts] == [picture[:-100].rstrip(b"-\r\n") for picture in PICTURES]


def test_a_boundary_ends_a_part_whatever_length_was_told_of_it() -> None:
    parts = Parts(b"b").feed(stream(TEXT, length=1000))
    assert [part.body for part in parts[:2]] == PICTURES[:2]


@pytest.mark.parametrize(
    ("head", "field"),
    [
        (b"Content-Type: text/html\r\n", "part.content-type"),
        (TEXT + b"Content-Length: many\r\n", "part.content-length"),
        (TEXT + b"Content-Length: -5\r\n", "part.content-length"),
        (TEXT + b"Content-Length: %d\r\n" % (PART_BYTES_MAX + 1), "part.content-length"),
        (b"X: " + b"y" * HEADER_BYTES_MAX + b"\r\n", "header"),
    ],
)
def test_a_part_that_breaks_a_rule_costs_itself_and_reading_goes_on(head: bytes, field: str) -> None:
    data = b"--b\r\n" + head + b"\r\n" + BASELINE + b"\r\n" + stream(TEXT)
    wrong, *good = Parts(b"b").feed(data)
    assert wrong.broken is not None
    assert wrong.broken.field == field
    assert good[0].body == BASELINE
    assert good[0].broken is None


def test_a_part_without_end_is_given_as_far_as_it_may_go_and_reading_goes_on() -> None:
    cut = Parts(b"b")
    assert cut.feed(b"--b\r\n" + TEXT + b"\r\n" + BASELINE) == []
    told = []
    for _ in range(20):
        told += cut.feed(bytes(1_000_000))
    [wrong] = told
    assert wrong.broken is not None
    assert (wrong.broken.field, len(wrong.body)) == ("part", PART_BYTES_MAX)
    assert cut.feed(b"\r\n" + stream(TEXT))[0].body == BASELINE


def test_a_stream_without_its_boundary_is_broken() -> None:
    with pytest.raises(StreamBroken) as broken:
        Parts(b"other").feed(b"\r\n" + bytes(PREAMBLE_BYTES_MAX + 1))
    assert broken.value.field == "boundary"
    assert len(broken.value.raw) == PREAMBLE_BYTES_MAX


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=myboundary", b"myboundary"),
        ('multipart/x-mixed-replace;boundary="--a b"', b"--a b"),
        ("image/jpeg", b""),
        ("image/jpeg; charset=binary", b""),
    ],
)
def test_a_boundary_is_what_the_header_says(header: str, boundary: bytes) -> None:
    assert boundary_of(header) == boundary


@pytest.mark.parametrize(
    "header",
    [
        "",
        "text/html",
        "multipart/x-mixed-replace",
        "multipart/x-mixed-replace; boundary=" + "x" * 71,
        "video/mp4",
    ],
)
def test_what_is_no_stream_of_pictures_is_refused(header: str) -> None:
    with pytest.raises(StreamBroken) as broken:
        boundary_of(header)
    assert broken.value.field == "content-type"


# --- codes ----------------------------------------------------------------------------------------


def test_a_matrix_code_of_another_encoder_is_read() -> None:
    """Written by OpenCV, read by zxing."""
    drawn = cv2.QRCodeEncoder.create().encode("(00)306141411234567890")
    page = np.pad(
        cv2.resize(drawn, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST), 40, constant_values=255
    )
    [found] = find_codes(page)
    assert (found.code, found.symbology) == ("(00)306141411234567890", "qr")
    assert (found.x_px, found.y_px) == pytest.approx((page.shape[1] / 2, page.shape[0] / 2), abs=4)
