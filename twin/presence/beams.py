"""Which way something went through a gate: what two light beams across its lane say. Pure.

One beam is on the road's side of the other, near enough for whatever drives through to break both at once.
Their states (outer, inner; 1 is broken) then run through one circle for the way in, and backwards through it
for the way out:

    in:  00 -> 10 -> 11 -> 01 -> 00        out:  00 -> 01 -> 11 -> 10 -> 00

Something passed when the circle was gone through once, from both clear to both clear. Who stops, rolls back
and goes on is counted once; who turns back is not counted. A change that was lost, and two changes in one
moment, leave open which way it went: then nothing is said until both beams are clear again.

The direction of a tag is that of its crossing, from the sides of its antennas (`model.fold`); `travel` joins
the two. The beams know no tag: what passed them in the time in which the tag crossed may be another load.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

import msgspec

from twin.presence.model import Direction

Beam = Literal["outer", "inner"]

ONE_VEHICLE = timedelta(seconds=2)
"""Beams see through between mast and load, and between a truck and its trailer: what follows within this
time in the same direction is the same vehicle. At walking pace it is about two metres."""
TIME_BETWEEN_SIGHTS = timedelta(seconds=10)
"""A tag is heard before it breaks the first beam and after it has left the last: the field of an antenna
reaches some metres, which takes a truck at walking pace about this long."""

BEAMS = 2
CLEAR = 0
_PLACES = {(False, False): CLEAR, (True, False): 1, (True, True): 2, (False, True): 3}
"""The states of outer and inner in the order of the way in."""
_ONCE_THROUGH: Mapping[int | None, Direction] = {len(_PLACES): "in", -len(_PLACES): "out"}


class BeamChange(msgspec.Struct, frozen=True, kw_only=True):
    """A beam was broken or is clear again."""

    beam: Beam
    is_broken: bool
    changed_at: datetime


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """Something drove through, from the first beam that it broke to both being clear again."""

    direction: Direction
    first_at: datetime
    last_at: datetime


class Travel(msgspec.Struct, frozen=True, kw_only=True):
    """Which way a tag went, as its antennas and as the beams have it; None where they do not say."""

    antennas: Direction | None = None
    beams: Direction | None = None

    @property
    def direction(self) -> Direction | None:
        """What is known: None when nobody says, and when the two contradict each other."""
        return None if self.is_contradicted else self.antennas or self.beams

    @property
    def is_contradicted(self) -> bool:
        return None not in (self.antennas, self.beams) and self.antennas != self.beams


def passages(changes: Iterable[BeamChange], *, gaps: Iterable[datetime] = ()) -> list[Passage]:
    """What drove through one gate, in the order of time, whatever order the changes came in.

    `gaps`: moments before which changes may have been lost; what the beams are then is not known.
    """
    lane, found = _Lane(), list[Passage]()
    lost = sorted(gaps)
    for moment, together in groupby(sorted(set(changes), key=_key), key=_moment):
        while lost and lost[0] <= moment:
            lane = _Lane()
            del lost[0]
        passage = lane.take(moment, list(together))
        if passage is not None:
            _add(found, passage)
    return found


def _key(change: BeamChange) -> tuple[datetime, Beam, bool]:
    return (change.changed_at, change.beam, change.is_broken)


def _moment(change: BeamChange) -> datetime:
    return change.changed_at


def _add(found: list[Passage], passage: Passage) -> None:
    follows = found and found[-1].direction == passage.direction
    if follows and passage.first_at - found[-1].last_at <= ONE_VEHICLE:
        found[-1] = msgspec.structs.replace(found[-1], last_at=passage.last_at)
    else:
        found.append(passage)


class _Lane:
    """The two beams, and how far through the circle something has come since both were clear."""

    def __init__(self) -> None:
        self._is_broken: dict[Beam, bool] = {}
        self._place = 0
        self._steps: int | None = None
        """Forwards less backwards; None while it is open how things came to be as they are."""
        self._left_clear_at: datetime | None = None

    def take(self, moment: datetime, together: Sequence[BeamChange]) -> Passage | None:
        """Take in the changes of one moment. Returns what has driven through with them."""
        is_sure = len(together) == 1 and self._is_broken.get(together[0].beam) is not together[0].is_broken
        self._is_broken |= {change.beam: change.is_broken for change in together}
        if len(self._is_broken) < BEAMS:
            return None
        before, self._place = self._place, _PLACES[self._is_broken["outer"], self._is_broken["inner"]]
        if not is_sure:
            self._steps = None
        elif self._steps is not None:
            self._steps += 1 if (self._place - before) % len(_PLACES) == 1 else -1
            self._left_clear_at = moment if before == CLEAR else self._left_clear_at
        return self._come_through(moment) if self._place == CLEAR else None

    def _come_through(self, moment: datetime) -> Passage | None:
        direction = _ONCE_THROUGH.get(self._steps)
        self._steps = 0
        if direction is None or self._left_clear_at is None:
            return None
        return Passage(direction=direction, first_at=self._left_clear_at, last_at=moment)


def travel(
    antennas: Direction | None, first_at: datetime, last_at: datetime, seen: Sequence[Passage]
) -> Travel:
    """Join what the antennas say of a tag, heard from `first_at` to `last_at`, with what passed the beams.

    Several passages in that time count when all went the same way; else nobody knows which was the tag's.
    """
    ways = {
        passage.direction
        for passage in seen
        if passage.first_at <= last_at + TIME_BETWEEN_SIGHTS
        and passage.last_at >= first_at - TIME_BETWEEN_SIGHTS
    }
    return Travel(antennas=antennas, beams=ways.pop() if len(ways) == 1 else None)
