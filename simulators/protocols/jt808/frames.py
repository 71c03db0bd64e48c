"""What a JT/T 808 terminal sends and the answers it understands. Pure. Source: JT/T 808-2013 and -2019."""

import struct
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

BODY_BYTES_MAX = 1_023
NO_EXTRAS: Mapping[int, bytes] = {}
FIX_BIT = 1 << 1
CHINA = timezone(timedelta(hours=8))


class Fix(NamedTuple):
    """Where and how a vehicle is: degrees in WGS 84, metres above the sea, degrees from north, tenths of
    km/h.

    `alarms` and `status` are the words of the standard; the fix and the hemispheres are set by themselves.
    """

    latitude_deg: float
    longitude_deg: float
    altitude_m: int = 20
    course_deg: int = 0
    speed_dkmh: int = 0
    alarms: int = 0
    status: int = 1
    has_fix: bool = True


class Answer(NamedTuple):
    """A message of the product."""

    message_id: int
    serial: int
    body: bytes


def location(at: datetime, fix: Fix, extras: Mapping[int, bytes] = NO_EXTRAS) -> bytes:
    """The body of a position report."""
    status = fix.status
    if fix.has_fix:
        status |= FIX_BIT
    if fix.latitude_deg < 0:
        status |= 1 << 2
    if fix.longitude_deg < 0:
        status |= 1 << 3
    base = struct.pack(
        ">IIIIhHH",
        fix.alarms,
        status,
        round(abs(fix.latitude_deg) * 1_000_000),
        round(abs(fix.longitude_deg) * 1_000_000),
        fix.altitude_m,
        fix.speed_dkmh,
        fix.course_deg,
    )
    tail = b"".join(bytes([name, len(value)]) + value for name, value in extras.items())
    return base + bcd(at.astimezone(CHINA).strftime("%y%m%d%H%M%S"), 6) + tail


def batch(reports: Sequence[bytes], *, is_blind_spot: bool = True) -> bytes:
    """The body of stored positions: from a stretch without a line, or simply several at once."""
    items = b"".join(len(report).to_bytes(2, "big") + report for report in reports)
    return len(reports).to_bytes(2, "big") + bytes([is_blind_spot]) + items


def registration(plate: str, *, is_2019: bool) -> bytes:
    maker, model, name = (11, 30, 30) if is_2019 else (5, 20, 7)
    return (
        struct.pack(">HH", 41, 100)
        + b"SIM".ljust(maker, b"\0")
        + b"TERMINAL".ljust(model, b"\0")
        + b"T1".ljust(name, b"\0")
        + b"\x01"
        + plate.encode("gbk")
    )


def authentication(code: str, imei: str, *, is_2019: bool) -> bytes:
    if not is_2019:
        return code.encode()
    return bytes([len(code)]) + code.encode() + imei.encode() + b"1.0".ljust(20, b"\0")


def bcd(digits: str, size: int) -> bytes:
    return bytes.fromhex(digits.rjust(size * 2, "0"))


def message(
    message_id: int, number: str, serial: int, body: bytes, *, is_2019: bool = False, split_at: int = 0
) -> list[bytes]:
    """A message as it goes over the line: one frame, or one for each part when it is split. The serials of
    the parts follow each other from `serial`."""
    size = split_at or BODY_BYTES_MAX
    pieces = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    frames = []
    for index, piece in enumerate(pieces):
        attributes = len(piece) | (len(pieces) > 1) << 13 | is_2019 << 14
        head = struct.pack(">HH", message_id, attributes)
        head += b"\x01" + bcd(number, 10) if is_2019 else bcd(number, 6)
        head += struct.pack(">H", (serial + index) & 0xFFFF)
        if len(pieces) > 1:
            head += struct.pack(">HH", len(pieces), index + 1)
        frames.append(frame(head + piece))
    return frames


def frame(content: bytes) -> bytes:
    check = 0
    for byte in content:
        check ^= byte
    out = bytearray(b"\x7e")
    for byte in content + bytes([check]):
        if byte == 0x7D:
            out += b"\x7d\x01"
        elif byte == 0x7E:
            out += b"\x7d\x02"
        else:
            out.append(byte)
    return bytes(out + b"\x7e")


def answers(stream: bytes) -> tuple[list[Answer], bytes]:
    """The answers in a stream, and what is left of it for the next time."""
    found: list[Answer] = []
    while (start := stream.find(b"\x7e")) >= 0 and (end := stream.find(b"\x7e", start + 1)) >= 0:
        inner, stream = stream[start + 1 : end], stream[end + 1 :]
        plain = inner.replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")
        message_id, attributes = struct.unpack_from(">HH", plain)
        head = 17 if attributes & 1 << 14 else 12
        found.append(Answer(message_id, int.from_bytes(plain[head - 2 : head], "big"), plain[head:-1]))
    return found, stream
