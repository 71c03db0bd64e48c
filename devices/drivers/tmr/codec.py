"""Lines of a feed mixer's indicator. Pure.

No open standard is in use; these are the forms of Digi-Star indicators, as "EZII Escape Computer Command Set"
(D3648 Rev G, 2009) describes them, each ended by CR or CR LF:

* continuous, 2 or 10 times a second (SCOREM 11 and 12): `<STX>123456LB SG<ETX>C`, six characters of gross
  weight, the unit, and a check character: all between STX and ETX by XOR, the lower six bits, plus 64;
* once a second (SCOREM 7): `   280,LB,GR,   187,03JL03, 3:41:21`: gross weight, unit, weight tag, turns of
  the mixer, date and time;
* feedlines, one for each ingredient or pen that the operator completes: `000001,D,I,T,1001,CORN  ,HICOW ,
  2500,  2490,…`: truck, status, line type, load type, batch, ingredient or pen, ration, called weight, weight
  loaded or delivered, then fields of which the eleventh and thirteenth are five and eight characters wide.

The maker does not publish its formats `BATCH1` and `FDINFO`; the feedline is the published record that holds
the same. That its fields of five and eight characters are `hh:mm` and `mm/dd/yy` follows from their widths
and from the maker's other records; where they are blank, the driver's own time stands for them.
Weight tags (page 32): GR gross, GC gross while the indicator calibrates itself (the weight is the last one),
ES the operator is in a menu, ER an error such as over capacity.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

import msgspec

from devices.transport.decoding import FieldRejected

LINE_BYTES_MAX: Final = 160
GRAMS_PER: Final = {"kg": 1000.0, "lb": 453.59237}
"""The international pound is 0.45359237 kg exactly."""

Unit = Literal["kg", "lb"]

_CONTINUOUS = re.compile(r"\x02([ 0-9$-][ 0-9.]{5})(LB|KG) SG\x03(.)", re.ASCII)
_WEIGHT = re.compile(r" *-? *[0-9]+(?:\.[0-9]+)? *", re.ASCII)
_TROUBLES: Final = {"ES": "the indicator is in its menu", "ER": "the indicator reports a weighing error"}
_FEEDLINE_FIELDS_MIN: Final = 13
_DONE, _NOT_DONE = frozenset("DSs"), frozenset("UIMAa")


class Settings(NamedTuple):
    """What the indicator was set to: its unit, and its clock's lead over UTC."""

    unit: Unit = "kg"
    clock_ahead: timedelta = timedelta(hours=8)


class Weight(msgspec.Struct, frozen=True):
    """What all weigh bars carry together; negative when the wagon was zeroed with something in it."""

    mass_g: int


class Trouble(msgspec.Struct, frozen=True):
    """The indicator cannot weigh now."""

    reason: str


class Fed(msgspec.Struct, frozen=True, kw_only=True):
    """A feedline that the operator completed. `completed_at` is None when the indicator does not tell;
    `known_by` is what does not change when it is saved and sent again."""

    action: Literal["load", "unload"]
    code: str
    ration: str
    batch: str
    target_g: int
    mass_g: int
    completed_at: datetime | None
    known_by: bytes


class NotDone(msgspec.Struct, frozen=True):
    """A feedline that is still to be done, or that the operator passed over: nothing was moved."""


Said = Weight | Trouble | Fed | NotDone


def decode(line: bytes, settings: Settings) -> Said:
    """Read one line without its end. Raises FieldRejected naming the field."""
    try:
        text = line.decode("ascii")
    except UnicodeDecodeError as error:
        raise FieldRejected("line", f"ASCII at offset {error.start}") from error
    if text.startswith("\x02"):
        return _continuous(text, settings)
    fields = text.split(",")
    if len(fields) >= _FEEDLINE_FIELDS_MIN:
        return _feedline(fields, settings)
    if len(fields) == 6:
        return _once_a_second(fields, settings)
    raise FieldRejected("line", "a continuous weight, a weight of six fields, or a feedline")


def check_character(said: str) -> str:
    """The check character of what stands between STX and ETX."""
    combined = 0
    for character in said:
        combined ^= ord(character)
    return chr((combined & 0x3F) | 0x40)


def _continuous(text: str, settings: Settings) -> Weight:
    found = _CONTINUOUS.fullmatch(text)
    if found is None:
        raise FieldRejected("line", "STX, six characters of weight, LB or KG, SG, ETX and a check character")
    if check_character(text[1:-2]) != found[3]:
        raise FieldRejected("check", f"the check character {check_character(text[1:-2])} at the end")
    return Weight(_grams("weight", found[1].replace("$", " "), found[2], settings))


def _once_a_second(fields: list[str], settings: Settings) -> Weight | Trouble:
    tag = fields[2].strip()
    if tag in _TROUBLES:
        return Trouble(_TROUBLES[tag])
    if tag not in ("GR", "GC"):
        raise FieldRejected("tag", "GR, a gross weight")
    return Weight(_grams("weight", fields[0], fields[1].strip(), settings))


def _feedline(fields: list[str], settings: Settings) -> Fed | NotDone:
    status, kind = fields[1].strip(), fields[2].strip()
    if status in _NOT_DONE:
        return NotDone()
    if status not in _DONE:
        raise FieldRejected("status", f"one of {''.join(sorted(_DONE | _NOT_DONE))}")
    if kind not in ("I", "i", "P", "p"):
        raise FieldRejected("line_type", "I or P")
    code = fields[5].strip()
    if not code:
        raise FieldRejected("code", "an ingredient or a pen")
    unit = settings.unit.upper()
    return Fed(
        action="load" if kind in "Ii" else "unload",
        code=code,
        ration=fields[6].strip(),
        batch=fields[4].strip(),
        target_g=_grams("called_weight", fields[7], unit, settings) if fields[7].strip() else 0,
        mass_g=_grams("weight", fields[8], unit, settings),
        completed_at=_completed_at(fields[10].strip(), fields[12].strip(), settings),
        known_by=",".join(fields[place].strip().upper() for place in (0, 2, 4, 5, 6, 10, 12)).encode(),
    )


def _grams(field: str, digits: str, unit: str, settings: Settings) -> int:
    if unit != settings.unit.upper():
        raise FieldRejected("unit", f"{settings.unit.upper()}, as the indicator was enrolled")
    if not _WEIGHT.fullmatch(digits):
        raise FieldRejected(field, "a number of at most six characters")
    return round(float(digits.replace(" ", "")) * GRAMS_PER[settings.unit])


def _completed_at(time: str, date: str, settings: Settings) -> datetime | None:
    if not time or not date:
        return None
    try:
        local = datetime.strptime(f"{date} {time}", "%m/%d/%y %H:%M").replace(tzinfo=UTC)
    except ValueError as error:
        raise FieldRejected("completed_at", "hh:mm and mm/dd/yy") from error
    return local - settings.clock_ahead
