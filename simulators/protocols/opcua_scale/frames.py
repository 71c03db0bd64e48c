"""What a scale of the weighing model (OPC 40200) holds in its variables. Sans-I/O: time is an argument."""

import struct
from datetime import datetime
from typing import NamedTuple

from simulators.protocols.loadcell import TaredScale

NAMESPACE = "http://opcfoundation.org/UA/Scales/V2/"
WEIGHT_TYPE, WEIGHT_TYPE_BINARY = 55, 88
GRAMS = {"kg": 1_000.0, "g": 1.0, "t": 1_000_000.0, "lb": 453.59237}
UNECE = {"kg": "KGM", "g": "GRM", "t": "TNE", "lb": "LBR"}


class Triple(NamedTuple):
    """A WeightType: three masses in the scale's unit."""

    gross: float
    net: float
    tare: float

    def body(self) -> bytes:
        """OPC UA Binary: the fields in their order, little endian."""
        return struct.pack("<3d", *self)


class Item(NamedTuple):
    """A weight item's value and properties; `at` is when the scale measured it."""

    weight: Triple
    stable: bool
    overload: bool
    underload: bool
    weight_id: str
    at: datetime


def unit_number(unit: str) -> int:
    """The number of a unit in EUInformation: the letters of its UNECE code in base 256."""
    number = 0
    for letter in UNECE[unit]:
        number = number * 256 + ord(letter)
    return number


class Registrar:
    """A scale with a memory: what is registered at rest gets the next WeightId."""

    def __init__(self, scale: TaredScale, *, unit: str = "kg", legal_for_trade: bool = True) -> None:
        self.scale = scale
        self.unit = unit
        self.legal_for_trade = legal_for_trade
        self.registered: Item | None = None
        self._count = 0

    def current(self, now: datetime) -> Item:
        """What stands on the platform."""
        scale = self.scale
        gross_g = scale.gross_g(now)
        grams = GRAMS[self.unit]
        weight = Triple(gross_g / grams, (gross_g - scale.tare_g) / grams, scale.tare_g / grams)
        return Item(weight, scale.is_stable(now), scale.is_overloaded, scale.is_under_zero(now), "", now)

    def register(self, now: datetime) -> bool:
        """RegisterWeight: keep what stands here under the next id; False when it is not to be kept."""
        item = self.current(now)
        if not item.stable or item.overload or item.underload:
            return False
        self._count += 1
        self.registered = item._replace(weight_id=f"{self._count:06d}")
        return True
