"""What the two devices hold in their registers at a moment. Pure: the time is an argument.

Both are computed when they are asked, from what happened last and when, so that no clock has to tick.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from kernel.rng import Rng

UNIT_G = 100


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
        self._interval_g = interval_g
        self._sigma_e = sigma_e
        self._settle = timedelta(seconds=settle_s)
        self._capture_min_g = capture_min_g
        self._overload_g = overload_g
        self._load_g = 0
        self._axles = 0
        self._changed_at: datetime | None = None
        self._is_captured = False
        self.ticket = Ticket()

    def put(self, mass_g: int, now: datetime, axles: int = 0) -> None:
        """From now on `mass_g` stands on the bridge. The same load again changes nothing."""
        self._capture_until(now)
        if mass_g != self._load_g:
            self._load_g, self._axles, self._changed_at, self._is_captured = mass_g, axles, now, False

    def restart(self, now: datetime) -> None:
        """Power off and on: the boot counter grows, numbers start again, the last ticket is gone."""
        self._boot += 1
        self.ticket, self._changed_at, self._is_captured = Ticket(), now, False

    def words(self, now: datetime) -> list[int]:
        """The 13 registers at `now`."""
        self._capture_until(now)
        moving = self._changed_at is not None and now < self._changed_at + self._settle
        shown_g = self._load_g + (round(self._rng.normal(0, self._interval_g)) if moving else 0)
        status = (
            (not moving) | (self._load_g > self._overload_g) << 1 | (shown_g < 0) << 2 | moving << 3 | 1 << 4
        )
        at_ms = 0 if self.ticket.at is None else round(self.ticket.at.timestamp() * 1000)
        return [
            *_long(self._rounded(shown_g) // UNIT_G),
            int(status),
            *_long(self.ticket.number),
            *_long(self.ticket.mass_g // UNIT_G),
            *_long(at_ms // 1000),
            at_ms % 1000,
            *_long(self._boot),
            self.ticket.axles,
        ]

    def _capture_until(self, now: datetime) -> None:
        if self._is_captured or self._changed_at is None or self._load_g < self._capture_min_g:
            return
        if self._load_g > self._overload_g or now < self._changed_at + self._settle:
            return
        error_g = round(self._rng.normal(0, self._sigma_e * self._interval_g))
        self._is_captured = True
        self.ticket = Ticket(
            number=self.ticket.number + 1,
            mass_g=self._rounded(self._load_g + error_g),
            at=self._changed_at + self._settle,
            axles=self._axles,
        )

    def _rounded(self, mass_g: int) -> int:
        return (mass_g + self._interval_g // 2) // self._interval_g * self._interval_g


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
