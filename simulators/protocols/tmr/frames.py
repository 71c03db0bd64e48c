"""A feed mixer wagon and what its indicator sends. Pure: the time is an argument.

Mass comes and goes at a rate, as from a loader or over a chute; the bars show it with noise, more while the
wagon drives. Lines are in the forms of Digi-Star indicators.
"""

from datetime import datetime, timedelta
from typing import Literal

from kernel.rng import Rng

GRAMS_PER = {"KG": 1000.0, "LB": 453.59237}
Form = Literal["continuous", "once a second"]


class Wagon:
    """What is in the wagon at any moment, and the feedlines that its operator completed.

    `division_g` is what the indicator rounds to, `sigma_g` the noise of the bars at rest.
    """

    def __init__(self, rng: Rng, *, division_g: int = 5_000, sigma_g: float = 1_500.0) -> None:
        self._rng = rng
        self._division_g = division_g
        self._sigma_g = sigma_g
        self._from_g = self._to_g = 0
        self._from_at: datetime | None = None
        self._takes = timedelta()
        self.shake_share = 0.0
        """Noise of the bars while the wagon drives, as a share of what it carries."""
        self.feedlines: list[str] = []
        self.tag = "GR"
        """The indicator's weight tag: ER while it cannot weigh, ES while somebody is in its menu."""

    def move(self, mass_g: int, now: datetime, *, within_s: float = 0.0) -> None:
        """From now on the content goes steadily to `mass_g`, which takes `within_s`."""
        self._from_g, self._to_g = self.content_g(now), mass_g
        self._from_at, self._takes = now, timedelta(seconds=within_s)

    def content_g(self, now: datetime) -> int:
        """What is really in it."""
        if self._from_at is None or now >= self._from_at + self._takes:
            return self._to_g
        share = (now - self._from_at) / self._takes
        return round(self._from_g + share * (self._to_g - self._from_g))

    def shown_g(self, now: datetime) -> int:
        """What the indicator shows: with noise, rounded to its division."""
        content_g = self.content_g(now)
        felt_g = content_g + self._rng.normal(0, self._sigma_g + self.shake_share * content_g)
        return round(felt_g / self._division_g) * self._division_g

    def complete(self, line: str) -> None:
        """The operator completed an ingredient or a pen."""
        self.feedlines.append(line)


def feedline(
    kind: Literal["I", "P"],
    code: str,
    *,
    called_kg: int,
    moved_kg: int,
    batch: str = "1001",
    ration: str = "HICOW",
    local: datetime | None = None,
    status: str = "D",
    truck: str = "000001",
) -> str:
    """A feedline in its columns; `local` is when it was completed, by the indicator's clock."""
    time, date = (" " * 5, " " * 8) if local is None else (f"{local:%H:%M}", f"{local:%m/%d/%y}")
    load_type = "T" if kind == "I" else " "
    head = f"{truck:6},{status},{kind},{load_type},{batch:4},{code:6},{ration:6},{called_kg:6},{moved_kg:6}"
    return f"{head},  7350  ,{time},0,{date},   250,      ,1,     5,      ,  0,  0"


class Indicator:
    """One connection: sends weights by itself, `hz` a second, and each feedline when it is completed.

    It hears nothing. `unit` is KG or LB.
    """

    def __init__(
        self, wagon: Wagon, *, form: Form = "continuous", hz: float = 10.0, unit: str = "KG"
    ) -> None:
        self._wagon = wagon
        self._form = form
        self._every = timedelta(seconds=1 / hz)
        self._unit = unit
        self._next_at: datetime | None = None
        self._sent_count = 0

    def receive(self, _data: bytes, _now: datetime) -> bytes:
        """Nothing is understood."""
        return b""

    def due(self, now: datetime) -> bytes:
        """What has to be sent by now."""
        lines = [f"{line}\r\n" for line in self._wagon.feedlines[self._sent_count :]]
        self._sent_count = len(self._wagon.feedlines)
        if self._next_at is None or now >= self._next_at:
            self._next_at = now + self._every
            lines.append(self._weight(now))
        return "".join(lines).encode("latin-1")

    def _weight(self, now: datetime) -> str:
        shown = _six(round(self._wagon.shown_g(now) / GRAMS_PER[self._unit]))
        if self._form == "once a second":
            return f"{shown},{self._unit},{self._wagon.tag},   187,23NO26,14:05:30\r\n"
        said = f"{shown}{self._unit} SG"
        return f"\x02{said}\x03{_check(said)}\r"


def _six(weight: int) -> str:
    """Six characters; a minus stands in the first."""
    return f"{weight:6}" if weight >= 0 else f"-{-weight:5}"


def _check(said: str) -> str:
    """All characters combined by exclusive or, six bits of it, made printable."""
    bits = 0
    for character in said.encode():
        bits ^= character
    return chr(bits % 64 + 64)
