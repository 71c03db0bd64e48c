"""Teltonika codec 8, 8 extended and 16 over TCP: bytes to records and readings. Pure.

Source: Teltonika Telematics wiki, "Teltonika Data Sending Protocols" and the AVL ids of the FMB family. All
numbers are big endian. A packet is four zero bytes, u32 length, then codec, record count, records and the
count again, then u32 CRC-16/IBM over everything from codec to the second count.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from devices.transport.decoding import FieldRejected
from devices.transport.fields import Fields
from devices.transport.satellites import sigma_m
from kernel.geometry import Point
from kernel.messages import PositionReading, TerminalAlarm

PACKET_BYTES_MAX: Final = 4_096
"""From codec to the second count. The maker says 1,280; some firmware sends more."""
HEAD_BYTES: Final = 8
"""Zeros and length."""
CRC_BYTES: Final = 4
IMEI_DIGITS: Final = 15
LOGIN_BYTES: Final = 2 + IMEI_DIGITS
PING: Final = b"\xff"
"""Keeps the line open; nothing is answered."""
ACCEPTED: Final = b"\x01"
REFUSED: Final = b"\x00"

CODEC_8: Final = 0x08
CODEC_8_EXTENDED: Final = 0x8E
CODEC_16: Final = 0x10
PANIC: Final = 2
"""The priority of a record that the driver's panic button made."""
HDOP_ID: Final = 182
"""AVL id of the horizontal dilution of precision, in tenths."""
ALARM_IDS: Final[Mapping[int, str]] = {246: "towed", 247: "collision", 249: "gnss_jammed", 252: "power_lost"}
"""AVL ids that raise an alarm while they are not zero."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIME_MS_MAX: Final = 253_402_300_799_999
"""The end of the year 9999."""


class Record(NamedTuple):
    """One AVL record. `latitude_e7` and `longitude_e7` are ten-millionths of a degree, `altitude_m` above the
    sea; `elements` hold the bytes of each AVL id; `raw` is the record as it came."""

    time_ms: int
    priority: int
    longitude_e7: int
    latitude_e7: int
    altitude_m: int
    heading_deg: int
    satellites: int
    speed_kmh: int
    elements: Mapping[int, bytes]
    raw: bytes


class Packet(NamedTuple):
    """`stated_count` is what the answer must say for the terminal to forget all of it. `broken` says what
    could not be read of it; the records before that are good."""

    stated_count: int
    records: list[Record]
    broken: FieldRejected | None


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC_TABLE: Final = tuple(map(_crc_of_byte, range(256)))


def crc16_ibm(data: bytes) -> int:
    """CRC-16/IBM (also ARC): polynomial 0x8005, reflected 0xA001, start 0."""
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[crc & 0xFF ^ byte]
    return crc


def decode_login(data: bytes) -> str:
    """The IMEI of the first 17 bytes. Raises FieldRejected."""
    imei = data[2:LOGIN_BYTES]
    if data[:2] != IMEI_DIGITS.to_bytes(2, "big") or not imei.isdigit():
        raise FieldRejected("login", f"{IMEI_DIGITS} as two bytes, then as many digits of an IMEI")
    return imei.decode()


def packet_bytes(head: bytes) -> int:
    """How many bytes the packet has that begins with these eight. Raises FieldRejected when none does."""
    if head[:4] != bytes(4):
        raise FieldRejected("preamble", "four zero bytes at offset 0")
    length = int.from_bytes(head[4:8], "big")
    if not 3 <= length <= PACKET_BYTES_MAX:
        raise FieldRejected("length", f"3 to {PACKET_BYTES_MAX} at offset 4, {length} is not")
    return HEAD_BYTES + length + CRC_BYTES


def decode_packet(packet: bytes) -> Packet:
    """A whole packet, with its preamble. Raises FieldRejected when nothing of it can be trusted or known."""
    data = packet[HEAD_BYTES:-CRC_BYTES]
    crc, stated = crc16_ibm(data), int.from_bytes(packet[-CRC_BYTES:], "big")
    if crc != stated:
        raise FieldRejected("crc", f"{crc:04X} at offset {len(packet) - CRC_BYTES}, {stated:X} is not")
    fields = Fields(packet[:-CRC_BYTES], HEAD_BYTES)
    codec = fields.unsigned("codec", 1)
    if codec not in (CODEC_8, CODEC_8_EXTENDED, CODEC_16):
        raise FieldRejected("codec", f"08, 8E or 10 at offset 8, {codec:02X} is not")
    count = fields.unsigned("count", 1)
    records: list[Record] = []
    try:
        while len(records) < count:
            records.append(_record(fields, codec))
        _close(fields, count)
    except FieldRejected as error:
        return Packet(count, records, error)
    return Packet(count, records, None)


def _record(fields: Fields, codec: int) -> Record:
    start = fields.at
    time_ms = fields.unsigned("timestamp", 8)
    priority = fields.unsigned("priority", 1)
    longitude_e7, latitude_e7 = fields.signed("longitude", 4), fields.signed("latitude", 4)
    altitude_m, heading_deg = fields.signed("altitude", 2), fields.unsigned("angle", 2)
    satellites, speed_kmh = fields.unsigned("satellites", 1), fields.unsigned("speed", 2)
    elements = _elements(fields, codec)
    return Record(
        time_ms,
        priority,
        longitude_e7,
        latitude_e7,
        altitude_m,
        heading_deg,
        satellites,
        speed_kmh,
        elements,
        fields.since(start),
    )


def _elements(fields: Fields, codec: int) -> dict[int, bytes]:
    """The IO elements. Codec 8 counts and names in one byte, 8 extended in two; 16 names in two and counts in
    one, and says between event and total what made the record."""
    id_bytes = 1 if codec == CODEC_8 else 2
    count_bytes = 2 if codec == CODEC_8_EXTENDED else 1
    fields.take("event", id_bytes)
    if codec == CODEC_16:
        fields.take("generation", 1)
    total = fields.unsigned("elements", count_bytes)
    elements: dict[int, bytes] = {}
    read = 0
    for size in (1, 2, 4, 8):
        number = fields.unsigned(f"elements of {size} bytes", count_bytes)
        read += number
        for _ in range(number):
            element = fields.unsigned("element", id_bytes)
            elements[element] = fields.take(f"element {element}", size)
    if codec == CODEC_8_EXTENDED:
        number = fields.unsigned("elements of any length", count_bytes)
        read += number
        for _ in range(number):
            element = fields.unsigned("element", id_bytes)
            elements[element] = fields.take(f"element {element}", fields.unsigned("length", 2))
    if read != total:
        raise FieldRejected("elements", f"{total} in all, as stated; {read} end at offset {fields.at}")
    return elements


def _close(fields: Fields, count: int) -> None:
    again = fields.unsigned("count", 1)
    if again != count:
        raise FieldRejected("count", f"{count} again at offset {fields.at - 1}, {again} is not")
    if fields.left:
        raise FieldRejected("length", f"nothing after the second count, {fields.left} bytes are")


# --- what a record says ----------------------------------------------------------------------------


def observed_at(record: Record) -> datetime:
    """The record's own time. Raises FieldRejected for one beyond the calendar."""
    if record.time_ms > TIME_MS_MAX:
        raise FieldRejected("timestamp", f"at most {TIME_MS_MAX} ms since 1970")
    return EPOCH + timedelta(milliseconds=record.time_ms)


def position(record: Record) -> PositionReading | None:
    """Where the terminal was; None without a fix: it then says 0 satellites and repeats an old place."""
    if not record.satellites:
        return None
    return PositionReading(
        point=Point(record.longitude_e7 / 1e7, record.latitude_e7 / 1e7, float(record.altitude_m)),
        frame="wgs84",
        heading_deg=float(record.heading_deg),
        speed_mps=round(record.speed_kmh / 3.6, 3),
        sigma_m=sigma_m("single", _dilution(record)),
        fix="single",
        satellites=record.satellites,
    )


def _dilution(record: Record) -> float | None:
    raw = record.elements.get(HDOP_ID)
    return int.from_bytes(raw, "big") / 10 if raw is not None and any(raw) else None


def alarm(record: Record) -> TerminalAlarm | None:
    """What the record raises, if anything."""
    raised = [name for element, name in ALARM_IDS.items() if any(record.elements.get(element, b""))]
    if record.priority == PANIC:
        raised.insert(0, "sos")
    return TerminalAlarm(alarms=tuple(raised)) if raised else None


READERS: Final[tuple[Callable[[Record], PositionReading | TerminalAlarm | None], ...]] = (position, alarm)
