"""What a Teltonika terminal sends. Pure.

Source: Teltonika Telematics wiki, "Teltonika Data Sending Protocols".
"""

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

Codec = Literal[0x08, 0x8E, 0x10]
RECORDS_MAX = 24
"""Records in a packet: at 40 bytes each a packet stays below the maker's 1,280."""
NO_ELEMENTS: Mapping[int, bytes] = {}


class Fix(NamedTuple):
    """Where and how a vehicle is: degrees in WGS 84, metres above the sea, degrees from north, km/h."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: int = 20
    heading_deg: int = 0
    speed_kmh: int = 0
    satellites: int = 9


def login(imei: str) -> bytes:
    return len(imei).to_bytes(2, "big") + imei.encode()


def record(
    at: datetime,
    fix: Fix,
    *,
    priority: int = 0,
    elements: Mapping[int, bytes] = NO_ELEMENTS,
    codec: Codec = 0x08,
) -> bytes:
    """One AVL record. `elements` hold the value of each AVL id, 1, 2, 4 or 8 bytes long (any length in
    8E)."""
    milliseconds = round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    head = struct.pack(
        ">QBiihHBH",
        milliseconds,
        priority,
        round(fix.longitude_deg * 10_000_000),
        round(fix.latitude_deg * 10_000_000),
        fix.altitude_m,
        fix.heading_deg,
        fix.satellites,
        fix.speed_kmh,
    )
    return head + _io(elements, codec)


def _io(elements: Mapping[int, bytes], codec: Codec) -> bytes:
    id_format = ">B" if codec == 0x08 else ">H"
    count_format = ">H" if codec == 0x8E else ">B"
    out = struct.pack(id_format, 0)
    if codec == 0x10:
        out += b"\x05"
    out += struct.pack(count_format, len(elements))
    for size in (1, 2, 4, 8):
        group = {number: value for number, value in elements.items() if len(value) == size}
        out += struct.pack(count_format, len(group))
        for number, value in group.items():
            out += struct.pack(id_format, number) + value
    if codec == 0x8E:
        group = {number: value for number, value in elements.items() if len(value) not in (1, 2, 4, 8)}
        out += struct.pack(count_format, len(group))
        for number, value in group.items():
            out += struct.pack(">HH", number, len(value)) + value
    return out


def packet(records: Sequence[bytes], codec: Codec = 0x08) -> bytes:
    """Records as they go over the line."""
    data = bytes([codec, len(records)]) + b"".join(records) + bytes([len(records)])
    return bytes(4) + len(data).to_bytes(4, "big") + data + crc(data).to_bytes(4, "big")


def crc(data: bytes) -> int:
    """CRC-16 with the reflected polynomial 0xA001, bit by bit."""
    register = 0
    for byte in data:
        register ^= byte
        for _ in range(8):
            bit = register & 1
            register >>= 1
            if bit:
                register ^= 0xA001
    return register
