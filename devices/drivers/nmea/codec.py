"""NMEA 0183 sentences to what they say. Pure. Own code: see README.

Source: NMEA 0183 version 4.11, sentences GGA, RMC and VTG; BeiDou talkers after GB/T 39399. A sentence is
`$`, two letters of the talker and three of the kind, fields by comma, `*` and the XOR of all between `$` and
`*` in hexadecimal.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import reduce
from operator import xor
from typing import Final, NamedTuple

from devices.transport.decoding import FieldRejected
from devices.transport.satellites import Fix

LINE_BYTES_MAX: Final = 256
"""The standard has 82; receivers with more decimals send more."""
TALKERS: Final = ("GP", "GN", "GB", "BD", "GA", "GL")
"""GPS, several together, BeiDou (also as BD), Galileo, GLONASS."""
DAY: Final = timedelta(days=1)

FIX_OF_QUALITY: Final[Mapping[str, Fix | None]] = {
    "0": None,
    "1": "single",
    "2": "differential",
    "3": "single",
    "4": "rtk_fixed",
    "5": "rtk_float",
    "6": "estimated",
}
"""GGA field 6. 7 is entered by hand and 8 simulated: neither is a measurement."""
FIX_OF_MODE: Final[Mapping[str, Fix | None]] = {
    "": "unknown",
    "N": None,
    "A": "single",
    "D": "differential",
    "P": "single",
    "R": "rtk_fixed",
    "F": "rtk_float",
    "E": "estimated",
}
"""Mode indicator of RMC (from version 2.3). M is entered by hand and S simulated."""

_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)(?:\.(\d{1,6})\d*)?", re.ASCII)
_DATE = re.compile(r"(\d\d)(\d\d)(\d\d)", re.ASCII)
_PLACE = re.compile(r"(\d{2,3})([0-5]\d(?:\.\d{1,10})?)", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,7}(?:\.\d{0,9})?", re.ASCII)
_MPS_PER_KNOT: Final = 1_852 / 3_600
_MPS_PER_KMH: Final = 1 / 3.6


class Gga(NamedTuple):
    """Fix data. `time` is since midnight, None while a receiver without a fix does not know it; `place`
    longitude and latitude in degrees, None without a fix; `height_m` above the ellipsoid where the receiver
    tells the geoid, else above the sea, None when not told."""

    time: timedelta | None
    place: tuple[float, float] | None
    fix: Fix | None
    satellites: int
    dilution: float | None
    height_m: float | None


class Rmc(NamedTuple):
    """Recommended minimum. Speed in m/s and course in degrees, None when not told; so are time and date by a
    receiver without a fix."""

    time: timedelta | None
    date: date | None
    place: tuple[float, float] | None
    fix: Fix | None
    speed_mps: float | None
    course_deg: float | None


class Vtg(NamedTuple):
    """Course and speed."""

    speed_mps: float | None
    course_deg: float | None


Sentence = Gga | Rmc | Vtg


def decode(line: bytes) -> Sentence | None:
    """The sentence of a line without its end; None for one of another kind. Raises FieldRejected."""
    fields = _fields(line)
    address = fields[0]
    if len(address) != 5 or address[2:] not in _READERS:
        return None
    if address[:2] not in TALKERS:
        raise FieldRejected("talker", f"one of {', '.join(TALKERS)}, {address[:2]} is not")
    read, count = _READERS[address[2:]]
    if len(fields) <= count:
        raise FieldRejected(address[2:], f"at least {count} fields, {len(fields) - 1} end at {len(line)}")
    return read(fields)


def _fields(line: bytes) -> list[str]:
    body, star, stated = line[1:].partition(b"*")
    if line[:1] not in (b"$", b"!") or not star:
        raise FieldRejected("line", "begins with $ and ends with * and a checksum")
    checksum = f"{reduce(xor, body, 0):02X}"
    if stated.upper() != checksum.encode():
        told = stated[:8].decode("ascii", "replace")
        raise FieldRejected("checksum", f"{checksum} at offset {len(body) + 2}, {told!r} is not")
    if not body.isascii():
        raise FieldRejected("line", "ASCII")
    return body.decode("ascii").split(",")


def _gga(fields: Sequence[str]) -> Gga:
    fix = _fix("quality", fields[6], FIX_OF_QUALITY)
    altitude, geoid = _number("altitude", fields[9]), _number("geoid", fields[11])
    return Gga(
        time=None if fix is None and not fields[1] else _time(fields[1]),
        place=None if fix is None else _place(fields[2:6]),
        fix=fix,
        satellites=int(_number("satellites", fields[7], 0, 99) or 0),
        dilution=_number("dilution", fields[8], 0, 100),
        height_m=None if altitude is None else altitude + (geoid or 0.0),
    )


def _rmc(fields: Sequence[str]) -> Rmc:
    if fields[2] not in ("A", "V"):
        raise FieldRejected("status", f"A or V, {fields[2]!r} is not")
    fix = _fix("mode", fields[12] if len(fields) > 12 else "", FIX_OF_MODE)
    if fields[2] == "V":
        fix = None
    knots = _number("speed", fields[7], 0, 2_000)
    return Rmc(
        time=None if fix is None and not fields[1] else _time(fields[1]),
        date=None if fix is None and not fields[9] else _date(fields[9]),
        place=None if fix is None else _place(fields[3:7]),
        fix=fix,
        speed_mps=None if knots is None else knots * _MPS_PER_KNOT,
        course_deg=_number("course", fields[8], 0, 360),
    )


def _vtg(fields: Sequence[str]) -> Vtg:
    kmh, knots = _number("speed", fields[7], 0, 4_000), _number("speed", fields[5], 0, 2_000)
    if kmh is not None:
        speed_mps: float | None = kmh * _MPS_PER_KMH
    else:
        speed_mps = None if knots is None else knots * _MPS_PER_KNOT
    return Vtg(speed_mps, _number("course", fields[1], 0, 360))


_READERS: Final[Mapping[str, tuple[Callable[[Sequence[str]], Sentence], int]]] = {
    "GGA": (_gga, 12),
    "RMC": (_rmc, 9),
    "VTG": (_vtg, 8),
}
"""By kind: what reads it, and how many fields it has at least."""


def _fix(field: str, told: str, known: Mapping[str, Fix | None]) -> Fix | None:
    if told not in known:
        raise FieldRejected(field, f"one of {' '.join(filter(None, known))}, {told!r} is not")
    return known[told]


def _time(told: str) -> timedelta:
    match = _TIME.fullmatch(told)
    if match is None:
        raise FieldRejected("time", f"hhmmss.ss, {told!r} is not")
    hours, minutes, seconds, fraction = match.groups(default="")
    return timedelta(
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int(fraction.ljust(6, "0")),
    )


def _date(told: str) -> date:
    match = _DATE.fullmatch(told)
    try:
        if match is None:
            raise ValueError
        day, month, year = map(int, match.groups())
        return date(2000 + year, month, day)
    except ValueError as error:
        raise FieldRejected("date", f"ddmmyy, {told!r} is not") from error


def _place(told: Sequence[str]) -> tuple[float, float]:
    """Longitude and latitude from latitude, N or S, longitude, E or W."""
    latitude = _degrees("latitude", told[0], told[1], "NS", 90)
    return _degrees("longitude", told[2], told[3], "EW", 180), latitude


def _degrees(field: str, told: str, side: str, sides: str, most: int) -> float:
    match = _PLACE.fullmatch(told)
    if match is None or len(match[1]) != (2 if most == 90 else 3):
        raise FieldRejected(field, f"{'d' * len(str(most))}mm.mm, {told!r} is not")
    degrees = int(match[1]) + float(match[2]) / 60
    if degrees > most:
        raise FieldRejected(field, f"at most {most} degrees, {told} is more")
    if side not in tuple(sides):
        raise FieldRejected(field, f"{' or '.join(sides)}, {side!r} is not")
    return -degrees if side == sides[1] else degrees


def _number(field: str, told: str, low: float = -20_000, high: float = 20_000) -> float | None:
    if not told:
        return None
    if _NUMBER.fullmatch(told) is None or not low <= float(told) <= high:
        raise FieldRejected(field, f"a number from {low:g} to {high:g}, {told!r} is not")
    return float(told)
