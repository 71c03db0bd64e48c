"""What a scale answers to MT-SICS lines (Mettler Toledo, levels 0 and 1). Sans-I/O: time is an argument."""

from datetime import datetime, timedelta

from simulators.protocols.loadcell import TaredScale

GRAMS = {"kg": 1_000.0, "g": 1.0, "t": 1_000_000.0, "lb": 453.59237}
STREAM_PERIOD = timedelta(milliseconds=100)
PATIENCE = timedelta(seconds=3)
"""How long the scale waits for rest before it answers that it could not."""


class Panel:
    """One connection to a scale: answers its lines, and goes on by itself after `SIR`."""

    def __init__(
        self,
        scale: TaredScale,
        *,
        serial_number: str = "B021002593",
        unit: str = "kg",
        decimals: int = 2,
        knows_tare: bool = True,
    ) -> None:
        self._scale = scale
        self._serial_number = serial_number
        self._unit, self._decimals = unit, decimals
        self._knows_tare = knows_tare
        self._begun = b""
        self._next_weight_at: datetime | None = None
        self._waiting: tuple[str, datetime] | None = None

    def receive(self, data: bytes, now: datetime) -> bytes:
        """What is answered at once."""
        *lines, self._begun = (self._begun + data).split(b"\r\n")
        return b"".join(self._answer(line.decode("ascii", "replace"), now) for line in lines if line)

    def due(self, now: datetime) -> bytes:
        """What is sent because of the time: the stream, and answers that waited for rest."""
        sent = b""
        if self._waiting is not None:
            command, since = self._waiting
            if self._scale.is_stable(now) or now - since >= PATIENCE:
                self._waiting = None
                sent += self._at_rest(command, now)
        if self._next_weight_at is not None and now >= self._next_weight_at:
            self._next_weight_at = now + STREAM_PERIOD
            sent += self._weight(now)
        return sent

    def _answer(self, command: str, now: datetime) -> bytes:
        if command == "TA":
            return self._line(f"TA A {self._value(self._scale.tare_g)}" if self._knows_tare else "ES")
        if command == "I4":
            return self._line(f'I4 A "{self._serial_number}"')
        if command in ("S", "T", "Z"):
            self._next_weight_at = None
            if self._scale.is_stable(now):
                return self._at_rest(command, now)
            self._waiting = command, now
            return b""
        if command == "SI":
            self._next_weight_at = None
            return self._weight(now)
        if command == "SIR":
            self._next_weight_at = now
            return b""
        return self._line("ES")

    def _at_rest(self, command: str, now: datetime) -> bytes:
        """The answer to a command that needs rest."""
        if limit := self._limit(now):
            return self._line(f"{command} {limit}")
        if not self._scale.is_stable(now):
            return self._line(f"{command} I")
        if command == "T":
            self._scale.tare(now)
            return self._line(f"T S {self._value(self._scale.tare_g)}")
        if command == "Z":
            self._scale.zero(now)
            return self._line("Z A")
        return self._weight(now)

    def _weight(self, now: datetime) -> bytes:
        if limit := self._limit(now):
            return self._line(f"S {limit}")
        status = "S" if self._scale.is_stable(now) else "D"
        return self._line(f"S {status} {self._value(self._scale.gross_g(now) - self._scale.tare_g)}")

    def _limit(self, now: datetime) -> str:
        """The sign of overload or underload, if it is in either."""
        return "+" if self._scale.is_overloaded else "-" if self._scale.is_under_zero(now) else ""

    def _value(self, mass_g: int) -> str:
        """Ten places, to the right, and the unit."""
        return f"{mass_g / GRAMS[self._unit]:10.{self._decimals}f} {self._unit}"

    @staticmethod
    def _line(text: str) -> bytes:
        return text.encode() + b"\r\n"
