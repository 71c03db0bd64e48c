"""The sentences a satellite receiver sends. Pure. Source: NMEA 0183 version 4.11, GGA, RMC, VTG and GSV."""

from datetime import UTC, datetime
from typing import NamedTuple

KNOT_KMH = 1.852
NO_FIX, SINGLE, DIFFERENTIAL, RTK_FIXED, RTK_FLOAT, ESTIMATED = 0, 1, 2, 4, 5, 6
"""Quality of GGA."""
MODES = {NO_FIX: "N", SINGLE: "A", DIFFERENTIAL: "D", RTK_FIXED: "R", RTK_FLOAT: "F", ESTIMATED: "E"}
"""Mode of RMC and VTG."""


class Place(NamedTuple):
    """Where a receiver is: degrees in WGS 84, metres above the sea and of the geoid above the ellipsoid."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 20.0
    geoid_m: float = 0.0
    course_deg: float = 0.0
    speed_kmh: float = 0.0
    quality: int = SINGLE
    satellites: int = 12
    dilution: float = 0.8


def sentence(body: str) -> bytes:
    """`body` between `$` and `*`, with its checksum and line end."""
    check = 0
    for letter in body.encode("ascii"):
        check ^= letter
    return f"${body}*{check:02X}\r\n".encode("ascii")


def gga(at: datetime, place: Place, talker: str = "GN") -> bytes:
    if place.quality == NO_FIX:
        return sentence(f"{talker}GGA,{_time(at)},,,,,0,00,99.99,,M,,M,,")
    return sentence(
        f"{talker}GGA,{_time(at)},{_where(place)},{place.quality},{place.satellites:02d},"
        f"{place.dilution:.2f},{place.altitude_m:.3f},M,{place.geoid_m:.3f},M,,"
    )


def rmc(at: datetime, place: Place, talker: str = "GN") -> bytes:
    day, mode = at.astimezone(UTC).strftime("%d%m%y"), MODES[place.quality]
    if place.quality == NO_FIX:
        return sentence(f"{talker}RMC,{_time(at)},V,,,,,,,{day},,,N,V")
    return sentence(
        f"{talker}RMC,{_time(at)},A,{_where(place)},{place.speed_kmh / KNOT_KMH:.3f},"
        f"{place.course_deg:.2f},{day},,,{mode},V"
    )


def vtg(place: Place, talker: str = "GN") -> bytes:
    mode = MODES[place.quality]
    if place.quality == NO_FIX:
        return sentence(f"{talker}VTG,,,,,,,,,N")
    return sentence(
        f"{talker}VTG,{place.course_deg:.2f},T,,M,{place.speed_kmh / KNOT_KMH:.3f},N,"
        f"{place.speed_kmh:.3f},K,{mode}"
    )


def gsv(talker: str = "GP") -> bytes:
    """Satellites in view: what a receiver sends besides, and nobody here reads."""
    return sentence(f"{talker}GSV,1,1,01,21,44,190,41")


def _time(at: datetime) -> str:
    moment = at.astimezone(UTC)
    return f"{moment:%H%M%S}.{moment.microsecond // 10_000:02d}"


def _where(place: Place) -> str:
    latitude = _degrees(place.latitude_deg, 2) + (",S" if place.latitude_deg < 0 else ",N")
    longitude = _degrees(place.longitude_deg, 3) + (",W" if place.longitude_deg < 0 else ",E")
    return f"{latitude},{longitude}"


def _degrees(degrees: float, width: int) -> str:
    """Degrees and minutes with seven decimals: hundredths of a millimetre, as receivers with RTK send."""
    tenths = round(abs(degrees) * 60 * 10**7)
    whole, minutes = divmod(tenths, 60 * 10**7)
    return f"{whole:0{width}d}{minutes // 10**7:02d}.{minutes % 10**7:07d}"
