"""What the devices hold in their registers at a moment. Pure: the time is an argument.

All are computed when they are asked, from what happened last and when, so that no clock has to tick.
"""

import struct
from datetime import datetime
from typing import NamedTuple

from kernel.rng import Rng
from simulators.protocols.loadcell import LoadCell, TaredScale

UNIT_G = 100


class Unit(NamedTuple):
    """A unit as register 40003 of the converter holds it in its high byte."""

    code: int
    grams: float


UNITS = {"kg": Unit(0, 1e3), "g": Unit(1, 1.0), "t": Unit(2, 1e6), "lb": Unit(3, 453.59237)}


class Ticket(NamedTuple):
    """The last stable weighing."""

    number: int = 0
    mass_g: int = 0
    at: datetime | None = None
    axles: int = 0


class Indicator:
    """A weighbridge indicator: shows the load, and captures it once when it has stood still long enough.

    `interval_g` is the verification scale interval e; a capture is off by a normal error of `sigma_e` e,
    then rounded to e. Weighings are numbered from 1 after each start.
    """

    def __init__(
        self,
        rng: Rng,
        *,
        boot: int = 1,
        interval_g: int = 20_000,
        sigma_e: float = 0.3,
        settle_s: float = 1.5,
        capture_min_g: int = 500_000,
        overload_g: int = 60_000_000,
    ) -> None:
        self._rng = rng
        self._boot = boot
        self._sigma_e = sigma_e
        self._capture_min_g = capture_min_g
        self._cell = LoadCell(rng, interval_g=interval_g, settle_s=settle_s, overload_g=overload_g)
        self._axles = 0
        self._is_captured = False
        self.ticket = Ticket()

    def put(self, mass_g: int, now: datetime, axles: int = 0) -> None:
        """From now on `mass_g` stands on the bridge. The same load again changes nothing."""
        self._capture_until(now)
        if self._cell.put(mass_g, now):
            self._axles, self._is_captured = axles, False

    def restart(self, now: datetime) -> None:
        """Power off and on: the boot counter grows, numbers start again, the last ticket is gone."""
        self._boot += 1
        self.ticket, self._cell.changed_at, self._is_captured = Ticket(), now, False

    def words(self, now: datetime) -> list[int]:
        """The 13 registers at `now`."""
        self._capture_until(now)
        cell = self._cell
        moving, shown_g = cell.is_moving(now), cell.shown_g(now)
        status = (not moving) | cell.is_overloaded << 1 | (shown_g < 0) << 2 | moving << 3 | 1 << 4
        at_ms = 0 if self.ticket.at is None else round(self.ticket.at.timestamp() * 1000)
        return [
            *_long(cell.rounded(shown_g) // UNIT_G),
            int(status),
            *_long(self.ticket.number),
            *_long(self.ticket.mass_g // UNIT_G),
            *_long(at_ms // 1000),
            at_ms % 1000,
            *_long(self._boot),
            self.ticket.axles,
        ]

    def _capture_until(self, now: datetime) -> None:
        cell = self._cell
        if self._is_captured or cell.changed_at is None or cell.load_g < self._capture_min_g:
            return
        if cell.is_overloaded or cell.is_moving(now):
            return
        error_g = round(self._rng.normal(0, self._sigma_e * cell.interval_g))
        self._is_captured = True
        self.ticket = Ticket(
            number=self.ticket.number + 1,
            mass_g=cell.rounded(cell.load_g + error_g),
            at=cell.changed_at + cell.settle,
            axles=self._axles,
        )


class Converter:
    """A load cell converter without memory (Seneca Z-SG2, manual MI-005370-EN): floats and a status word."""

    FIRST, WORDS = 2, 76

    def __init__(self, scale: TaredScale, *, low_word_first: bool = False, unit: str = "kg") -> None:
        self.scale = scale
        self.unit = unit
        self._low_word_first = low_word_first

    def words(self, now: datetime) -> list[int]:
        """The registers 40003 to 40078 at `now`."""
        scale = self.scale
        gross_g = scale.gross_g(now)
        words = [0] * self.WORDS
        words[0] = UNITS[self.unit].code << 8
        for offset, mass_g in ((61, gross_g - scale.tare_g), (63, gross_g), (65, scale.tare_g)):
            words[offset : offset + 2] = self._float(mass_g / UNITS[self.unit].grams)
        full_scale, net_below_zero = scale.is_overloaded, gross_g < scale.tare_g
        words[75] = full_scale << 1 | net_below_zero << 2 | scale.is_stable(now) << 4
        return words

    def _float(self, value: float) -> tuple[int, ...]:
        words = struct.unpack(">HH", struct.pack(">f", value))
        return words[::-1] if self._low_word_first else words


def _long(value: int) -> tuple[int, int]:
    """Two words, the high one first; negative values as two's complement."""
    value &= 0xFFFF_FFFF
    return value >> 16, value & 0xFFFF


class Boom:
    """A barrier's boom: takes `travel_s` from end to end, and goes up again when it would hit a vehicle."""

    def __init__(self, now: datetime, *, travel_s: float = 1.5) -> None:
        self._travel_s = travel_s
        self._wants_open = False
        self._height = 0.0
        self._at = now
        self.loop_occupied = False
        self.is_stuck = False
        """A broken motor: orders are taken and nothing moves."""

    def order(self, wants_open: bool, now: datetime) -> None:
        self._move(now)
        self._wants_open = wants_open

    def vehicle_over_loop(self, occupied: bool, now: datetime) -> None:
        self._move(now)
        self.loop_occupied = occupied

    def height(self, now: datetime) -> float:
        """0 is shut, 1 is open."""
        self._move(now)
        return self._height

    def inputs(self, now: datetime) -> tuple[bool, bool, bool]:
        """Discrete inputs: is open, is closed, loop occupied."""
        height = self.height(now)
        return height >= 1.0, height <= 0.0, self.loop_occupied

    def _move(self, now: datetime) -> None:
        elapsed_s, self._at = max(0.0, (now - self._at).total_seconds()), now
        shut_and_safe = self._height <= 0.0
        up = self._wants_open or (self.loop_occupied and not shut_and_safe)
        if not self.is_stuck:
            step = elapsed_s / self._travel_s if self._travel_s else 1.0
            self._height = min(1.0, max(0.0, self._height + (step if up else -step)))
