"""A scale's line to what it says. Pure.

Source: Mettler Toledo, Reference Manual MT-SICS, levels 0 and 1. Commands are capitals, lines end with CR LF.
An answer is the command's name, a status and what belongs to it:

| answer | meaning |
|---|---|
| `S S     100.00 kg` | stable weight: net of the tare. `S D`: not stable |
| `S I`, `S +`, `S -` | not executable now (busy, or not at rest in time); overload; underload |
| `TA A     25.00 kg` | the tare in use |
| `T S     25.00 kg`, `Z A` | tared by this mass; zeroed. `I`, `+`, `-` as above |
| `I4 A "B021002593"` | serial number |
| `ES`, `ET`, `EL` | not understood; garbled on the way; understood but cannot be carried out |

Some makers answer `SI` with `SI` instead of the `S` of the manual; both are read.
"""

import re
from decimal import Decimal
from typing import Final, Literal

import msgspec

from devices.transport.decoding import FieldRejected
from devices.transport.weighing import grams

Command = Literal["S", "SI", "SIR", "T", "TA", "Z", "I4"]
Topic = Literal["weight", "tare", "tared", "zeroed", "serial", "error"]
Outcome = Literal[
    "stable",
    "moving",
    "done",
    "not executable",
    "overload",
    "underload",
    "wrong parameter",
    "syntax error",
    "transmission error",
    "logical error",
]

LINE_BYTES_MAX: Final = 128
"""The longest answer that is read here, a serial number, stays far below it."""

_TOPICS: Final[dict[str, Topic]] = {
    "S": "weight",
    "SI": "weight",
    "SIR": "weight",
    "TA": "tare",
    "T": "tared",
    "Z": "zeroed",
    "I4": "serial",
}
_ERRORS: Final[dict[str, Outcome]] = {
    "ES": "syntax error",
    "ET": "transmission error",
    "EL": "logical error",
}
_WITHOUT_VALUE: Final[dict[str, Outcome]] = {
    "I": "not executable",
    "+": "overload",
    "-": "underload",
    "L": "wrong parameter",
}
_WITH_VALUE: Final[dict[tuple[Topic, str], Outcome]] = {
    ("weight", "S"): "stable",
    ("weight", "D"): "moving",
    ("tare", "A"): "done",
    ("tared", "S"): "done",
    ("tared", "D"): "done",
    ("serial", "A"): "done",
}
_NUMBER = re.compile(r"-?(\d{1,12}(\.\d{0,9})?|\.\d{1,9})")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a line says. `mass_g` is given for weights and tares, `text` for serial numbers."""

    topic: Topic
    outcome: Outcome
    mass_g: int = 0
    text: str = ""


def encode(command: Command) -> bytes:
    """The line that gives a command."""
    return command.encode() + b"\r\n"


def decode(line: bytes) -> Answer:
    """Read a line without its CR LF. Raises FieldRejected naming what cannot be."""
    if len(line) > LINE_BYTES_MAX:
        raise FieldRejected("line", f"at most {LINE_BYTES_MAX} bytes")
    try:
        name, *rest = line.decode("ascii").split(None, 2) or [""]
    except UnicodeDecodeError as error:
        raise FieldRejected("line", f"ASCII, not so at offset {error.start}") from None
    if name in _ERRORS and not rest:
        return Answer(topic="error", outcome=_ERRORS[name])
    if name not in _TOPICS:
        raise FieldRejected("command", f"one of {', '.join([*_TOPICS, *_ERRORS])}")
    topic, status = _TOPICS[name], rest[0] if rest else ""
    if status in _WITHOUT_VALUE and len(rest) == 1:
        return Answer(topic=topic, outcome=_WITHOUT_VALUE[status])
    if topic == "zeroed":
        if rest == ["A"]:
            return Answer(topic=topic, outcome="done")
        raise FieldRejected("status", "A, I, + or -")
    outcome = _WITH_VALUE.get((topic, status))
    if outcome is None:
        raise FieldRejected("status", f"one that {name} answers with")
    return _with_value(topic, outcome, rest[1] if len(rest) > 1 else "")


def _with_value(topic: Topic, outcome: Outcome, value: str) -> Answer:
    if topic == "serial":
        quoted = value.strip()
        if len(quoted) < 3 or quoted[0] != '"' or quoted[-1] != '"':
            raise FieldRejected("serial number", "text in quotes")
        return Answer(topic=topic, outcome=outcome, text=quoted[1:-1])
    number, _, unit = value.strip().partition(" ")
    if not _NUMBER.fullmatch(number):
        raise FieldRejected("weight", "a decimal number")
    return Answer(topic=topic, outcome=outcome, mass_g=grams(Decimal(number), unit.strip()))
