"""What the drivers of scales share: masses in grams, and when a load has come to rest. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

import msgspec

from devices.transport.decoding import FieldRejected
from kernel.messages import DeviceStatus, MassReading
from kernel.units import MASS_G_MAX

GRAMS: Final[Mapping[str, Decimal]] = {
    "g": Decimal(1),
    "kg": Decimal(1_000),
    "t": Decimal(1_000_000),
    "lb": Decimal("453.59237"),
}
"""Grams in one of each unit; the avoirdupois pound is exact by definition (1959)."""

SETTLE_S: Final = 1.0
CAPTURE_MIN_G: Final = 10_000
CHANGE_G: Final = 2_000
OVERLOAD: Final = "overload"
UNDER_ZERO: Final = "under zero"


def grams(value: Decimal, unit: str) -> int:
    """`value` in whole grams, halves to even. Raises FieldRejected for another unit or beyond 200 t."""
    if unit not in GRAMS:
        raise FieldRejected("unit", f"one of {', '.join(sorted(GRAMS))}")
    if not value.is_finite() or abs(value) > MASS_G_MAX:
        raise FieldRejected("mass", "a number, at most 200 t")
    mass_g = int((value * GRAMS[unit]).to_integral_value(ROUND_HALF_EVEN))
    if abs(mass_g) > MASS_G_MAX:
        raise FieldRejected("mass", "a number, at most 200 t")
    return mass_g


def grams_of_float(value: float, unit: str, digits: int) -> int:
    """A binary number in whole grams, read with as many significant `digits` as its format holds."""
    return grams(Decimal(f"{value:.{digits}g}"), unit)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a scale shows at a moment. `mass_g` is gross, or net of `tare_g`, as `basis` says.

    `trouble` says why the mass is not to be booked (`overload`, `under zero`), empty when it may be.
    """

    mass_g: int
    is_stable: bool
    trouble: str = ""
    basis: Literal["gross", "net"] = "gross"
    tare_g: int = 0
    legal_for_trade: bool = False

    @property
    def load_g(self) -> int:
        """What stands on the platform, whatever was tared."""
        return self.mass_g + (self.tare_g if self.basis == "net" else 0)


def mass_reading(shown: Shown, weight_id: int, alibi_id: str = "") -> MassReading:
    """What is shown as a weighing."""
    return MassReading(
        mass_g=shown.mass_g,
        weight_id=weight_id,
        alibi_id=alibi_id,
        legal_for_trade=shown.legal_for_trade,
        basis=shown.basis,
        tare_g=shown.tare_g,
    )


def unseen_load(shown: Shown) -> DeviceStatus:
    """What is said of a load that nobody saw coming."""
    reason = f"{shown.load_g} g stood on the scale when it was first read; they are not weighed"
    return DeviceStatus(state="gap", reason=reason)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """When a load counts as weighed: at least `capture_min_g`, at rest for `settle_s`.

    Loads that differ by no more than `change_g` are the same load. Raises ValueError for what cannot be.
    """

    settle_s: float = SETTLE_S
    capture_min_g: int = CAPTURE_MIN_G
    change_g: int = CHANGE_G

    def __post_init__(self) -> None:
        if self.settle_s < 0 or self.capture_min_g <= 0 or self.change_g < 0:
            raise ValueError("settle_s and change_g must not be negative, capture_min_g must be positive")


class Standstill:
    """Finds, once for each load, the moment at which it has come to rest.

    A load is captured when every look during `settle_s` found it stable, without trouble and unchanged. The
    next capture needs the platform emptied, or a mass that differs. A load that was already at rest when we
    first looked may have been weighed by an earlier run: it is told as `unseen` and never captured, so that
    no load is weighed twice.
    """

    def __init__(self, settings: Settings) -> None:
        self._settle = timedelta(seconds=settings.settle_s)
        self._capture_min_g = settings.capture_min_g
        self._change_g = settings.change_g
        self._began_at: datetime | None = None
        self._low_g = self._high_g = 0
        self._done_g: int | None = None
        """The load that was captured or is not to be; None while any load at rest is news."""
        self._has_looked = False
        self._is_unseen = False
        self._newest_trouble: tuple[str, datetime] | None = None
        self.trouble = ""
        """The trouble that the scale is in, once it lasted `settle_s`; empty likewise. A mass as far below
        zero as the least load that counts is one, whatever the scale says."""

    def look(self, shown: Shown, at: datetime) -> Literal["captured", "unseen"] | None:
        """What `shown` completes, if anything. `at` must not go back."""
        load_g = shown.load_g
        is_far_below = not shown.trouble and load_g <= -self._capture_min_g
        self._watch_trouble(UNDER_ZERO if is_far_below else shown.trouble, at)
        is_first, self._has_looked = not self._has_looked, True
        if shown.trouble in ("", UNDER_ZERO) and load_g < self._capture_min_g:
            self._done_g, self._is_unseen = None, False
            self.interrupt()
            return None
        if shown.trouble or not shown.is_stable:
            self.interrupt()
            return None
        if is_first:
            self._done_g, self._is_unseen = load_g, True
        return self._rest(load_g, at)

    def stir(self) -> None:
        """The load moves, and what the scale shows meanwhile does not tell whether one stands there."""
        self._has_looked = True
        self.interrupt()

    def interrupt(self) -> None:
        """Nothing is known of the load since the last look: it has to come to rest anew."""
        self._began_at = None

    def reopen(self) -> None:
        """The last capture did not hold: the load, once at rest, is news again."""
        self._done_g = None
        self.interrupt()

    def _watch_trouble(self, trouble: str, at: datetime) -> None:
        if self._newest_trouble is None or self._newest_trouble[0] != trouble:
            self._newest_trouble = trouble, at
        if at - self._newest_trouble[1] >= self._settle:
            self.trouble = trouble

    def _rest(self, load_g: int, at: datetime) -> Literal["captured", "unseen"] | None:
        low_g, high_g = min(self._low_g, load_g), max(self._high_g, load_g)
        if self._began_at is None or high_g - low_g > self._change_g:
            self._began_at, low_g, high_g = at, load_g, load_g
        self._low_g, self._high_g = low_g, high_g
        if at - self._began_at < self._settle:
            return None
        if self._done_g is None or abs(load_g - self._done_g) > self._change_g:
            self._done_g, self._is_unseen = load_g, False
            return "captured"
        was_unseen, self._is_unseen = self._is_unseen, False
        return "unseen" if was_unseen else None
