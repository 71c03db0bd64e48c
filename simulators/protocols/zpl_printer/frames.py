"""A printer of ZPL: what it holds, prints and answers. Sans-I/O: the time is an argument.

Understands what is sent to it by its own reading of ZPL, and only as much as a label needs.
"""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

PRINT_S = 1.5
BUFFER_FORMATS = 10
_FORMAT = re.compile(rb"\^XA(.*?)\^XZ", re.DOTALL)
_FIELD = re.compile(rb"\^FO\d+,\d+(.*?)\^FS", re.DOTALL)
_HEX = re.compile(rb"_([0-9A-Fa-f]{2})")
_GETVAR = re.compile(rb'! U1 getvar "([^"]*)"\r?\n')
_LISTING = re.compile(rb"\^HW([A-Z]):([^\^]*)")


class Field(NamedTuple):
    """A field of a printed label: the letters that name its font or symbol, and its text."""

    kind: str
    text: str


class Label(NamedTuple):
    """A label that came out, and when."""

    fields: tuple[Field, ...]
    at: datetime

    @property
    def texts(self) -> list[str]:
        return [field.text for field in self.fields if field.kind != "BC"]

    @property
    def symbol(self) -> str:
        """What the code 128 symbol holds: `>;>8` is start C and FNC1."""
        [text] = [field.text for field in self.fields if field.kind == "BC"]
        return text.removeprefix(">;>8")


class Printer:
    """A printer. Change its attributes to open its head, use up its labels and so on.

    A format is printed `PRINT_S` after the one before, unless something is in the way; what is in the buffer
    then stays there until it is out of the way, or all is cancelled. `keeps_count` is whether it answers what
    it has counted; `is_silent_in_error` whether it leaves `~HS` unanswered then, as the guide says it may.
    """

    def __init__(self, *, objects: tuple[str, ...] = ("E:SIMSUN.TTF",)) -> None:
        self.objects = objects
        self.head_open = self.paper_out = self.ribbon_out = self.paused = self.too_hot = False
        self.keeps_count = True
        self.is_silent_in_error = False
        self.is_stuck = False
        """Formats are taken and nothing happens."""
        self.total_count = 1_234
        self.printed: list[Label] = []
        self.waiting: list[bytes] = []
        self._due_at: datetime | None = None

    @property
    def is_in_error(self) -> bool:
        return self.head_open or self.paper_out or self.ribbon_out or self.too_hot

    def work(self, now: datetime) -> None:
        """Print what is due by now."""
        if self.is_in_error or self.paused or self.is_stuck:
            self._due_at = None
            return
        while self.waiting:
            if self._due_at is None:
                self._due_at = now + timedelta(seconds=PRINT_S)
            if now < self._due_at:
                return
            self.printed.append(Label(_fields(self.waiting.pop(0)), self._due_at))
            self.total_count += 1
            self._due_at = None

    def status(self) -> bytes:
        """The three strings of `~HS`."""
        full = len(self.waiting) >= BUFFER_FORMATS
        one = (
            f"030,{self.paper_out:d},{self.paused:d},1245,{len(self.waiting):03d},{full:d},0,0,000,0,0,"
            f"{self.too_hot:d}"
        )
        two = f"001,0,{self.head_open:d},{self.ribbon_out:d},1,2,4,0,00000000,1,000"
        return b"".join(b"\x02" + text.encode() + b"\x03\r\n" for text in (one, two, "1234,0"))

    def listing(self, drive: str, name: str) -> bytes:
        """The answer to `^HW`."""
        found = [place.partition(":")[2] for place in self.objects if place == f"{drive}:{name}"]
        lines = [f"\r\nDIR {drive}: ", *(f"*{one}  123456     " for one in found), "", "-6400000 bytes free"]
        return b"\x02" + "\r\n".join(lines).encode() + b"\r\n\x03"


class Talk:
    """One connection."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer
        self._begun = b""

    def due(self, now: datetime) -> bytes:
        self._printer.work(now)
        return b""

    def receive(self, data: bytes, now: datetime) -> bytes:
        self._printer.work(now)
        self._begun += data
        answers = b""
        while True:
            command, rest = self._next()
            if command is None:
                return answers
            self._begun = rest
            answers += self._obey(command)

    def _next(self) -> tuple[bytes | None, bytes]:
        """The next command that is there as a whole, and what follows it."""
        text = self._begun.lstrip(b"\r\n")
        for known in (b"~HS", b"~JA"):
            if text.startswith(known):
                return known, text[len(known) :]
        for form in (_GETVAR, _FORMAT):
            found = form.match(text)
            if found:
                return found[0], text[found.end() :]
        return None, b""

    def _obey(self, command: bytes) -> bytes:
        printer = self._printer
        if command == b"~HS":
            return b"" if printer.is_in_error and printer.is_silent_in_error else printer.status()
        if command == b"~JA":
            printer.waiting.clear()
            return b""
        asked = _GETVAR.match(command)
        if asked:
            known = printer.keeps_count and asked[1] == b"odometer.total_label_count"
            return f'"{printer.total_count}"'.encode() if known else b'"?"'
        listed = _LISTING.search(command)
        if listed:
            return printer.listing(listed[1].decode(), listed[2].decode())
        printer.waiting.append(command)
        return b""


def _fields(form: bytes) -> tuple[Field, ...]:
    found = []
    for field in _FIELD.findall(form):
        head, data, text = field.partition(b"^FD")
        if data:
            is_hex = b"^FH" in head
            plain = _HEX.sub(lambda code: bytes([int(code[1], 16)]), text) if is_hex else text
            kind = re.findall(rb"\^(BC|A[0@])", head)[-1].decode()
            found.append(Field(kind, plain.decode()))
    return tuple(found)
