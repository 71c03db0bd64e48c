"""What a scale's line carries: frames of Toledo's continuous output. Sans-I/O: the time is an argument."""

from datetime import datetime, timedelta

from simulators.protocols.loadcell import TaredScale

PERIOD = timedelta(milliseconds=50)
GRAMS = {"kg": 1_000.0, "lb": 453.59237, "g": 1.0, "t": 1_000_000.0}


class Display:
    """One listener of a scale. What it sends, nobody can ask for or stop.

    `decimals` are those of the display (0 to 5); the weight has six digits without point. Until the scale
    is zeroed after it was switched on, `is_zeroed` is False.
    """

    def __init__(
        self, scale: TaredScale, *, unit: str = "kg", decimals: int = 1, has_checksum: bool = True
    ) -> None:
        self._scale = scale
        self._unit, self._decimals = unit, decimals
        self._has_checksum = has_checksum
        self._next_at: datetime | None = None
        self.is_zeroed = True

    def receive(self, data: bytes, now: datetime) -> bytes:  # noqa: ARG002
        return b""

    def due(self, now: datetime) -> bytes:
        """A frame each period."""
        if self._next_at is not None and now < self._next_at:
            return b""
        self._next_at = now + PERIOD
        return self.frame(now)

    def frame(self, now: datetime) -> bytes:
        """What the display shows at `now`."""
        scale = self._scale
        gross_g = scale.gross_g(now)
        shown_g = gross_g - scale.tare_g
        out_of_range = scale.is_overloaded or scale.is_under_zero(now)
        a = (2 + self._decimals) | 0b01 << 3 | 1 << 5
        b = (
            (scale.tare_g != 0)
            | (shown_g < 0) << 1
            | out_of_range << 2
            | (not scale.is_stable(now)) << 3
            | (self._unit == "kg") << 4
            | 1 << 5
            | (not self.is_zeroed) << 6
        )
        c = {"g": 1, "t": 2}.get(self._unit, 0) | 1 << 5
        weight = b"      " if scale.is_overloaded else self._digits(shown_g)
        body = bytes([0x02, a, b, c]) + weight + self._digits(scale.tare_g) + b"\r"
        return body + (bytes([-sum(body) % 128]) if self._has_checksum else b"")

    def _digits(self, mass_g: int) -> bytes:
        return b"%06d" % round(abs(mass_g) / GRAMS[self._unit] * 10**self._decimals)
