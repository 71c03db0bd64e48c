"""The sentences of one moment put together to one position. Pure.

GGA and RMC carry the time of their epoch, VTG belongs to the one it comes in. An epoch is whole when it holds
all kinds that the one before it held; what is missing then is not waited for beyond the next epoch.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from devices.drivers.nmea.codec import DAY, Gga, Rmc, Sentence, Vtg
from devices.transport.satellites import Fix, sigma_m
from kernel.geometry import Point
from kernel.messages import PositionReading

NO_FIX = "no fix"
NO_DATE = "no date: no RMC sentence was heard yet"


class Fixed(NamedTuple):
    """Where the receiver was at a moment. `is_whole` when GGA told height and satellites too."""

    at: datetime
    position: PositionReading
    is_whole: bool
    raw: bytes


class Unfixed(NamedTuple):
    """An epoch without a position, and why."""

    reason: str


class Epochs:
    """Takes sentences one by one; gives an epoch when it is whole, or when the next one begins."""

    def __init__(self) -> None:
        self._time: timedelta | None = None
        self._got: dict[type[Sentence], Sentence] = {}
        self._raw: list[bytes] = []
        self._is_told = False
        self._usual: frozenset[type[Sentence]] | None = None
        """The kinds of the epoch before; None while there was none."""
        self._dated: tuple[date, timedelta] | None = None
        """The newest date, which an RMC told, and the time of day that it was last moved on to."""

    def add(self, sentence: Sentence, raw: bytes) -> list[Fixed | Unfixed]:
        told: list[Fixed | Unfixed] = []
        if not isinstance(sentence, Vtg) and sentence.time is None:
            return [Unfixed(NO_FIX)]
        if not isinstance(sentence, Vtg) and sentence.time != self._time:
            told += self.finish()
            self._usual = frozenset(self._got) if self._got else self._usual
            self._time, self._got, self._raw, self._is_told = sentence.time, {}, [], False
        if self._time is None or type(sentence) in self._got:
            return told
        self._got[type(sentence)] = sentence
        if not self._is_told:
            self._raw.append(raw)
        if isinstance(sentence, Rmc) and sentence.date is not None and sentence.time is not None:
            self._dated = sentence.date, sentence.time
        if self._usual is not None and self._usual <= self._got.keys():
            told += self.finish()
        return told

    def finish(self) -> list[Fixed | Unfixed]:
        """What is known of the present epoch, unless it was told already."""
        if self._is_told or not any(kind in self._got for kind in (Gga, Rmc)):
            return []
        self._is_told = True
        return [self._outcome()]

    def _outcome(self) -> Fixed | Unfixed:
        gga, rmc, vtg = self._got.get(Gga), self._got.get(Rmc), self._got.get(Vtg)
        assert gga is None or isinstance(gga, Gga)
        assert rmc is None or isinstance(rmc, Rmc)
        assert vtg is None or isinstance(vtg, Vtg)
        best = gga or rmc
        assert best is not None
        if best.place is None or best.fix is None or (rmc is not None and rmc.fix is None):
            return Unfixed(NO_FIX)
        assert self._time is not None
        at = self._moment(self._time)
        if at is None:
            return Unfixed(NO_DATE)
        fix: Fix = best.fix
        moving = [told for told in (rmc, vtg) if told is not None]
        speed_mps = next((told.speed_mps for told in moving if told.speed_mps is not None), 0.0)
        course_deg = next((told.course_deg for told in moving if told.course_deg is not None), 0.0)
        position = PositionReading(
            point=Point(*best.place, (gga.height_m if gga else None) or 0.0),
            frame="wgs84",
            heading_deg=course_deg,
            speed_mps=round(speed_mps, 3),
            sigma_m=sigma_m(fix, gga.dilution if gga else None),
            fix=fix,
            satellites=gga.satellites if gga else 0,
        )
        is_whole = gga is not None and gga.height_m is not None
        return Fixed(at, position, is_whole, b"\r\n".join(self._raw))

    def _moment(self, time_of_day: timedelta) -> datetime | None:
        """The date that an RMC told, moved on wherever the time of day passes midnight."""
        if self._dated is None:
            return None
        day, dated_at = self._dated
        if dated_at - time_of_day > DAY / 2:
            day += DAY
        elif time_of_day - dated_at > DAY / 2:
            day -= DAY
        self._dated = day, time_of_day
        return datetime.combine(day, time(), UTC) + time_of_day
