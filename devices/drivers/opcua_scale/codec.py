"""A weight item of the weighing model to what it shows. Pure: values come in as plain Python.

Source: OPC 40200, OPC UA for Weighing Technology, 2.00 (sections 7.4, 9.3, 10.1; 1.01 is alike): a variable
of WeightItemType with properties.

| browse name | type | rule |
|---|---|---|
| (its value) | WeightType: Gross, Net, Tare, each a Double; encoding 88 of the namespace | mandatory |
| EngineeringUnits | EUInformation; the unit's UNECE code as a number | mandatory |
| Overload, Underload | Boolean | mandatory |
| WeightStable, LegalForTrade | Boolean | optional |
| WeightId | String: the unique id of the verified value of a weighing | optional |
| Invalid | Boolean | 1.00 only |
"""

import math
import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from devices.transport.decoding import FieldRejected
from devices.transport.weighing import OVERLOAD, UNDER_ZERO, Shown, grams_of_float

NAMESPACES: Final = ("http://opcfoundation.org/UA/Scales/V2/", "http://opcfoundation.org/UA/Scales")
WEIGHT_ENCODING: Final = 88
"""Default Binary of WeightType in either namespace."""
VALUE: Final = ""
"""Stands for the item's own value among its properties."""
PROPERTIES: Final = (
    "EngineeringUnits",
    "Overload",
    "Underload",
    "WeightStable",
    "LegalForTrade",
    "WeightId",
    "Invalid",
)
WEIGHT_ID_LENGTH_MAX: Final = 200
NOT_VOUCHED: Final = "the scale vouches for no weight"
DIGITS: Final = 15
_WEIGHT = struct.Struct("<ddd")


def _unece(code: str) -> int:
    """A common code of UNECE recommendation 20 as OPC 10000-8 makes it a number: its letters in base 256."""
    return int.from_bytes(code.encode(), "big")


UNITS: Final = {_unece("KGM"): "kg", _unece("GRM"): "g", _unece("TNE"): "t", _unece("LBR"): "lb"}


class Structure(msgspec.Struct, frozen=True, kw_only=True):
    """A structured value as it was on the wire: the number of its encoding in the model's namespace."""

    encoding: int
    body: bytes


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """EUInformation: the unit's number, -1 when it has none, and its name."""

    number: int
    name: str


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One value as read. `is_good` says whether the server vouches for it; `at` is the device's own time."""

    value: bool | int | float | str | Structure | Unit | None
    is_good: bool = True
    at: datetime | None = None


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """A weight item. `weight_id` is empty when there is none."""

    shown: Shown
    weight_id: str = ""
    at: datetime | None = None


def raw_of(reads: Mapping[str, Read]) -> bytes:
    """What was read, as JSON; bodies of structures as they were on the wire, in base 64."""
    return msgspec.json.encode({name: read.value for name, read in reads.items()})


def decode(reads: Mapping[str, Read], *, is_registered: bool) -> Weight:
    """Read a weight item. Raises FieldRejected naming the property that cannot be.

    A registered weight counts as stable where the scale does not say; a current one does not.
    """
    value = reads.get(VALUE)
    if value is None or not value.is_good:
        return Weight(shown=Shown(mass_g=0, is_stable=False, trouble=NOT_VOUCHED))
    is_stable = _flag(reads, "WeightStable", default=is_registered)
    weight_id = _text(reads, "WeightId")
    if trouble := _trouble(reads):
        return Weight(shown=Shown(mass_g=0, is_stable=is_stable, trouble=trouble), weight_id=weight_id)
    gross_g, tare_g = _gross_and_tare_g(value.value, _unit(reads))
    shown = Shown(
        mass_g=gross_g,
        is_stable=is_stable,
        tare_g=tare_g,
        legal_for_trade=_flag(reads, "LegalForTrade", default=False),
    )
    return Weight(shown=shown, weight_id=weight_id, at=value.at)


def _trouble(reads: Mapping[str, Read]) -> str:
    if _flag(reads, "Overload"):
        return OVERLOAD
    if _flag(reads, "Underload"):
        return UNDER_ZERO
    return NOT_VOUCHED if _flag(reads, "Invalid", default=False) else ""


def _gross_and_tare_g(value: object, unit: str) -> tuple[int, int]:
    if not isinstance(value, Structure) or value.encoding != WEIGHT_ENCODING:
        raise FieldRejected("value", f"a WeightType, encoding {WEIGHT_ENCODING}")
    if len(value.body) != _WEIGHT.size:
        raise FieldRejected("value", f"{_WEIGHT.size} bytes")
    masses = {}
    for name, number in zip(("Gross", "Net", "Tare"), _WEIGHT.unpack(value.body), strict=True):
        if not math.isfinite(number):
            raise FieldRejected(name, "a number")
        try:
            masses[name] = grams_of_float(number, unit, DIGITS)
        except FieldRejected as error:
            raise FieldRejected(name, error.rule) from error
    # Each of the three is rounded to the scale interval by itself.
    if abs(masses["Gross"] - masses["Tare"] - masses["Net"]) > max(1_000, abs(masses["Gross"]) // 100):
        raise FieldRejected("Net", "gross less tare")
    return masses["Gross"], masses["Tare"]


def _unit(reads: Mapping[str, Read]) -> str:
    read = reads.get("EngineeringUnits")
    if read is None or not isinstance(read.value, Unit):
        raise FieldRejected("EngineeringUnits", "given")
    known = UNITS.get(read.value.number, read.value.name)
    if known not in UNITS.values():
        raise FieldRejected("EngineeringUnits", "kilograms, grams, tonnes or pounds")
    return known


def _flag(reads: Mapping[str, Read], name: str, *, default: bool | None = None) -> bool:
    read = reads.get(name)
    if read is None and default is not None:
        return default
    if read is None or not read.is_good or not isinstance(read.value, bool):
        raise FieldRejected(name, "true or false")
    return read.value


def _text(reads: Mapping[str, Read], name: str) -> str:
    read = reads.get(name)
    text = "" if read is None or read.value is None or not read.is_good else read.value
    if not isinstance(text, str) or len(text) > WEIGHT_ID_LENGTH_MAX or "\x00" in text:
        raise FieldRejected(name, f"a text of at most {WEIGHT_ID_LENGTH_MAX} characters")
    return text
