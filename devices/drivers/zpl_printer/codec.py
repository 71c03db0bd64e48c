"""What a ZPL printer answers, and what it is asked. Pure.

Sources: Zebra, ZPL II Programming Guide. `~HS` (Host Status Return) is answered by three strings, each
between STX and ETX, their fields separated by commas; those in capitals are read:

1. communication, PAPER OUT, PAUSED, label length, FORMATS IN BUFFER, BUFFER FULL, diagnostic mode,
   PARTIAL FORMAT, unused, CORRUPT RAM, TOO COLD, TOO HOT
2. functions, unused, HEAD UP, RIBBON OUT, thermal transfer, print mode, width mode, label waiting,
   LABELS LEFT in the batch, format while printing, graphics stored
3. password, static RAM installed

Later firmware may add fields at the end. `! U1 getvar "name"` is answered by the value in quotes, or by `?`
in quotes or bare for a name that the printer does not know. `^HW` (Host Directory List) is answered by one
text between STX and ETX with a line for each object, `*NAME.EXT`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from devices.transport.decoding import FieldRejected

ANSWER_BYTES_MAX: Final = 8_192
"""The longest answer, a directory of a hundred objects, stays below it."""
ASK_STATUS: Final = b"~HS\r\n"
CANCEL_ALL: Final = b"~JA\r\n"
"""Forgets every format in the buffer and what is left of a batch (`~JA`)."""
NUMBER_MAX: Final = 10**9

Trouble = Literal[
    "head_open", "paper_out", "ribbon_out", "paused", "buffer_full", "memory_lost", "too_cold", "too_hot"
]
TROUBLES: Final[Mapping[Trouble, str]] = {
    "head_open": "the head is open",
    "paper_out": "the labels are used up",
    "ribbon_out": "the ribbon is used up",
    "paused": "it is paused",
    "buffer_full": "its buffer is full",
    "memory_lost": "its memory was lost",
    "too_cold": "the head is too cold",
    "too_hot": "the head is too hot",
}
"""What keeps a printer from printing, gravest first, in words."""

_FLAGS: Final[Mapping[Trouble, tuple[int, int]]] = {
    "head_open": (1, 2),
    "paper_out": (0, 1),
    "ribbon_out": (1, 3),
    "paused": (0, 2),
    "buffer_full": (0, 5),
    "memory_lost": (0, 9),
    "too_cold": (0, 10),
    "too_hot": (0, 11),
}
"""String and field of each, from 0."""
_FIELDS_MIN: Final = (12, 11, 2)
_STX, _ETX, _QUOTE = 0x02, 0x03, 0x22
_OBJECT = re.compile(r"\*\s*([A-Z0-9_$]{1,16})\s*\.\s*([A-Z0-9]{3})", re.IGNORECASE)


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A printer's state. `waiting_count` is what it still has to print: formats and labels of a batch."""

    trouble: Trouble | None
    waiting_count: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is between STX and ETX, `value` between quotes: one of them."""

    kind: Literal["text", "value"]
    content: bytes


def ask_value(name: str) -> bytes:
    """Ask for a variable of the printer (Set-Get-Do)."""
    return f'! U1 getvar "{name}"\r\n'.encode()


def ask_object(place: str) -> bytes:
    """Ask whether an object such as `E:SIMSUN.TTF` is there."""
    return f"^XA^HW{place}^XZ\r\n".encode()


def decode_status(strings: Sequence[bytes]) -> Status:
    """Read the three strings. Raises FieldRejected naming the field that breaks a rule."""
    if len(strings) != len(_FIELDS_MIN):
        raise FieldRejected("host status", f"{len(_FIELDS_MIN)} strings")
    fields = [_fields(number, string) for number, string in enumerate(strings)]
    found = [name for name, (string, place) in _FLAGS.items() if _flag(name, fields[string][place])]
    waiting = _number("formats in buffer", fields[0][4]) + _number("labels left", fields[1][8])
    is_partial = _flag("partial format", fields[0][7])
    return Status(trouble=found[0] if found else None, waiting_count=waiting + is_partial)


def decode_count(value: bytes) -> int | None:
    """A counter; None for a printer that does not keep it. Raises FieldRejected for anything else."""
    if value in (b"?", b""):
        return None
    return _number("count", value.decode("latin-1"))


def has_object(listing: bytes, name: str) -> bool:
    """Whether a directory names an object, such as `SIMSUN.TTF`."""
    found = _OBJECT.findall(listing.decode("latin-1"))
    return name.upper() in {f"{stem}.{extension}".upper() for stem, extension in found}


class Answers:
    """Cuts what a printer sends into answers.

    Bytes between answers other than line ends, and an answer that does not end within `ANSWER_BYTES_MAX`, are
    given with the rule they break.
    """

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes) -> list[Answer | tuple[bytes, FieldRejected]]:
        """The answers that `data` completes, and what is wrong, in order."""
        self._begun += data
        found: list[Answer | tuple[bytes, FieldRejected]] = []
        while (taken := self._take()) is not None:
            found.append(taken)
        return found

    def _take(self) -> Answer | tuple[bytes, FieldRejected] | None:
        text = self._begun.lstrip(b"\r\n\0 ")
        if not text:
            self._begun = b""
            return None
        if text[0] not in (_STX, _QUOTE):
            return self._stray(text)
        ends = bytes([_ETX if text[0] == _STX else _QUOTE])
        end = text.find(ends, 1)
        if 0 < end <= ANSWER_BYTES_MAX:
            self._begun = text[end + 1 :]
            return Answer(kind="text" if text[0] == _STX else "value", content=text[1:end])
        if len(text) > ANSWER_BYTES_MAX:
            self._begun = b""
            return text[:ANSWER_BYTES_MAX], FieldRejected("answer", f"at most {ANSWER_BYTES_MAX} bytes")
        self._begun = text
        return None

    def _stray(self, text: bytes) -> Answer | tuple[bytes, FieldRejected]:
        """A bare `?` says that a variable is unknown; everything else up to the next answer is stray."""
        if text[:1] == b"?":
            self._begun = text[1:]
            return Answer(kind="value", content=b"?")
        starts = [at for at in (text.find(b"\x02"), text.find(b'"')) if at > 0]
        end = min(starts, default=len(text))
        self._begun = text[end:]
        return text[:end][:ANSWER_BYTES_MAX], FieldRejected("answer", "begun by STX or a quote")


def _fields(number: int, string: bytes) -> list[str]:
    fields = [field.strip() for field in string.decode("latin-1").split(",")]
    if len(fields) < _FIELDS_MIN[number]:
        raise FieldRejected(
            f"string {number + 1}", f"{_FIELDS_MIN[number]} fields or more, has {len(fields)}"
        )
    return fields


def _flag(name: str, field: str) -> bool:
    if field not in ("0", "1"):
        raise FieldRejected(name.replace("_", " "), "0 or 1")
    return field == "1"


def _number(name: str, field: str) -> int:
    if not (field.isascii() and field.isdecimal() and len(field) <= 10 and int(field) <= NUMBER_MAX):
        raise FieldRejected(name, f"a number up to {NUMBER_MAX}")
    return int(field)
