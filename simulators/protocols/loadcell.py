"""A platform on load cells, as every fake scale has one: a load that settles, with noise. Pure."""

from datetime import datetime, timedelta

from kernel.rng import Rng


class LoadCell:
    """Carries what is put on it. It moves for `settle_s` after each change, and shows noise while it does.

    Masses are grams; `interval_g` is the scale interval. What is shown is rounded to it.
    """

    def __init__(self, rng: Rng, *, interval_g: int, settle_s: float, overload_g: int) -> None:
        self.interval_g = interval_g
        self.overload_g = overload_g
        self.settle = timedelta(seconds=settle_s)
        self.load_g = 0
        self.changed_at: datetime | None = None
        self._rng = rng

    def put(self, mass_g: int, now: datetime) -> bool:
        """From now on `mass_g` stands here. The same load again changes nothing, and gives False."""
        if mass_g == self.load_g:
            return False
        self.load_g, self.changed_at = mass_g, now
        return True

    def is_moving(self, now: datetime) -> bool:
        return self.changed_at is not None and now < self.changed_at + self.settle

    def shown_g(self, now: datetime) -> int:
        """What the platform feels, not yet rounded."""
        return self.load_g + (round(self._rng.normal(0, self.interval_g)) if self.is_moving(now) else 0)

    @property
    def is_overloaded(self) -> bool:
        return self.load_g > self.overload_g

    def rounded(self, mass_g: int) -> int:
        return (mass_g + self.interval_g // 2) // self.interval_g * self.interval_g


class TaredScale:
    """A floor or bench scale: a load cell with a zero and a tare, as its keys and commands set them."""

    def __init__(
        self, rng: Rng, *, interval_g: int = 500, settle_s: float = 1.0, overload_g: int = 3_000_000
    ) -> None:
        self.cell = LoadCell(rng, interval_g=interval_g, settle_s=settle_s, overload_g=overload_g)
        self.tare_g = 0
        self._zero_g = 0

    def put(self, mass_g: int, now: datetime) -> None:
        self.cell.put(mass_g, now)

    def gross_g(self, now: datetime) -> int:
        """What is shown without tare, rounded to the scale interval."""
        return self.cell.rounded(self.cell.shown_g(now) - self._zero_g)

    def is_stable(self, now: datetime) -> bool:
        return not self.cell.is_moving(now)

    @property
    def is_overloaded(self) -> bool:
        return self.cell.is_overloaded

    def is_under_zero(self, now: datetime) -> bool:
        """Below zero by more than an interval while at rest."""
        return self.is_stable(now) and self.gross_g(now) < -self.cell.interval_g

    def tare(self, now: datetime) -> bool:
        """Take what stands here as the tare; False while it moves."""
        if not self.is_stable(now):
            return False
        self.tare_g = self.gross_g(now)
        return True

    def zero(self, now: datetime) -> bool:
        """Take what is felt as zero and forget the tare; False while it moves."""
        if not self.is_stable(now):
            return False
        self._zero_g, self.tare_g = self.cell.load_g, 0
        return True
