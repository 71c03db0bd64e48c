"""What matters of a stream of weights: when the mass starts to change, how it does, where it rests. Pure.

The mass moves while it varies by more than `moving_g` within `WINDOW`; until that long was seen without a
break it counts as moving, so that nothing is booked too early. Of the stream is told:

* the first weight, and each change between moving and resting;
* while it moves, a weight every `WHILE_MOVING`;
* while it rests, a weight every `WHILE_RESTING`, and at once when it has crept away by more than `moving_g`.

Ten weights a second become at most one in two seconds, and one a minute when nothing happens.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

from kernel.messages import FeedWeight

WINDOW: Final = timedelta(seconds=2)
WHILE_MOVING: Final = timedelta(seconds=2)
WHILE_RESTING: Final = timedelta(seconds=60)
MOVING_G: Final = 10_000
"""Ten kilograms or three standard deviations of the bars at rest, whichever is more."""


class Thinned:
    """Feed it every weight; it returns those that are to be told."""

    def __init__(self, moving_g: int = MOVING_G) -> None:
        self._moving_g = moving_g
        self._window: deque[tuple[datetime, int]] = deque()
        self._told: FeedWeight | None = None
        self._told_at: datetime | None = None

    def weigh(self, mass_g: int, now: datetime) -> FeedWeight | None:
        """Take in a weight of 0 or more; returns it when it is to be told."""
        weight = FeedWeight(mass_g=mass_g, is_moving=self._is_moving(mass_g, now))
        if not self._matters(weight, now):
            return None
        self._told, self._told_at = weight, now
        return weight

    def interrupt(self) -> None:
        """The stream broke: what rested before may have moved since."""
        self._window.clear()

    def _is_moving(self, mass_g: int, now: datetime) -> bool:
        self._window.append((now, mass_g))
        # The newest weight that is a whole window old stays, so that slow streams span it too.
        while len(self._window) > 1 and now - self._window[1][0] >= WINDOW:
            self._window.popleft()
        masses = [mass for _, mass in self._window]
        return now - self._window[0][0] < WINDOW or max(masses) - min(masses) > self._moving_g

    def _matters(self, weight: FeedWeight, now: datetime) -> bool:
        told, told_at = self._told, self._told_at
        if told is None or told_at is None or weight.is_moving != told.is_moving:
            return True
        if weight.is_moving:
            return now - told_at >= WHILE_MOVING
        return now - told_at >= WHILE_RESTING or abs(weight.mass_g - told.mass_g) > self._moving_g
