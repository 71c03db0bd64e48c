"""What can be said of a JPEG before it is decoded: whether it is whole, and how large it will be. Pure.

ITU-T T.81: markers begin with FF; SOI, segments with their lengths, a frame header (SOF) with the size,
scans, EOI. The size and the number of scans are looked at first: a few hundred bytes can ask for gigabytes of
pixels, or for hours of work on one picture.
"""

import struct
from typing import Final

from devices.transport.decoding import FieldRejected

SIDE_PX_MIN: Final = 64
SIDE_PX_MAX: Final = 8_192
PIXELS_MAX: Final = 20_000_000
SCANS_MAX: Final = 32
"""Progressive JPEGs have about ten."""
AFTER_END_BYTES_MAX: Final = 4_096
"""Some cameras fill their pictures up."""

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_SIZED = {0xC0, 0xC1, 0xC2}
"""Baseline, extended sequential and progressive, Huffman coded: what decoders take."""
_OTHER_SOF = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_ALONE = {0x01, *range(0xD0, 0xD8)}
"""Markers without a length: TEM and the restarts."""


def picture_size(jpeg: bytes) -> tuple[int, int]:
    """Width and height in pixels of a JPEG that is whole and may be decoded. Raises FieldRejected with the
    offset of what is wrong."""
    if jpeg[:2] != b"\xff\xd8":
        raise FieldRejected("jpeg", "begins with SOI, at offset 0")
    sizes: list[tuple[int, int]] = []
    at, scans = 2, 0
    while True:
        marker, at = _next_marker(jpeg, at)
        if marker == _EOI:
            break
        if marker in _ALONE:
            continue
        length = _segment_length(jpeg, at)
        if marker in _SIZED:
            sizes.append(_frame_size(jpeg[at + 2 : at + length], at))
        elif marker in _OTHER_SOF:
            raise FieldRejected("jpeg.frame", f"baseline or progressive, at offset {at}")
        at += length
        if marker == _SOS:
            scans += 1
            _check_scan(len(sizes), scans, at)
            at = _scan_end(jpeg, at)
    if scans == 0:
        raise FieldRejected("jpeg", f"a scan before its end at offset {at}")
    if len(jpeg) - at > AFTER_END_BYTES_MAX:
        raise FieldRejected("jpeg", f"at most {AFTER_END_BYTES_MAX} bytes after its end at offset {at}")
    return sizes[0]


def _check_scan(frames: int, scans: int, at: int) -> None:
    if frames != 1:
        raise FieldRejected("jpeg.frame", f"one before the first scan, at offset {at}")
    if scans > SCANS_MAX:
        raise FieldRejected("jpeg.scans", f"at most {SCANS_MAX}, at offset {at}")


def _next_marker(jpeg: bytes, at: int) -> tuple[int, int]:
    """The marker at `at` and the offset after it; fill bytes FF may stand before it."""
    if at >= len(jpeg):
        raise FieldRejected("jpeg", f"whole; it ends at offset {len(jpeg)} without EOI")
    if jpeg[at] != 0xFF:
        raise FieldRejected("jpeg.marker", f"FF, at offset {at}")
    while at < len(jpeg) and jpeg[at] == 0xFF:
        at += 1
    if at >= len(jpeg):
        raise FieldRejected("jpeg", f"whole; it ends at offset {len(jpeg)} without EOI")
    if jpeg[at] in (0x00, _SOI):
        raise FieldRejected("jpeg.marker", f"a marker, at offset {at}")
    return jpeg[at], at + 1


def _segment_length(jpeg: bytes, at: int) -> int:
    length = int.from_bytes(jpeg[at : at + 2], "big")
    if length < 2 or at + length > len(jpeg):
        raise FieldRejected("jpeg.segment", f"a length within the picture, at offset {at}")
    return length


def _frame_size(body: bytes, at: int) -> tuple[int, int]:
    """T.81, B.2.2: precision, lines, samples per line, components."""
    if len(body) < 6:
        raise FieldRejected("jpeg.frame", f"a whole frame header, at offset {at}")
    precision, height, width, components = struct.unpack(">BHHB", body[:6])
    if precision != 8:
        raise FieldRejected("jpeg.precision", f"8 bits, at offset {at}")
    if components not in (1, 3) or len(body) != 6 + 3 * components:
        raise FieldRejected("jpeg.components", f"1 or 3, at offset {at}")
    sides = SIDE_PX_MIN <= width <= SIDE_PX_MAX and SIDE_PX_MIN <= height <= SIDE_PX_MAX
    if not sides or width * height > PIXELS_MAX:
        rule = f"{SIDE_PX_MIN} to {SIDE_PX_MAX} pixels a side and at most {PIXELS_MAX} in all, at offset {at}"
        raise FieldRejected("jpeg.size", rule)
    return width, height


def _scan_end(jpeg: bytes, at: int) -> int:
    """Where the entropy-coded data ends: at the next FF that is neither stuffed nor a restart."""
    while True:
        at = jpeg.find(b"\xff", at)
        if at < 0 or at + 1 >= len(jpeg):
            raise FieldRejected("jpeg", f"whole; it ends at offset {len(jpeg)} without EOI")
        follows = jpeg[at + 1]
        if follows == 0x00 or 0xD0 <= follows <= 0xD7:
            at += 2
        elif follows == 0xFF:
            at += 1
        else:
            return at
