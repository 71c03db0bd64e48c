"""The site's network: cuts with later replay, repeats, and messages that overtake each other. Pure.

A message is never lost here: devices keep what is not acknowledged, so a cut delays and a repeat repeats.
Vendor devices that keep nothing lose what falls into a cut; `losing` names them.
"""

import heapq
from collections.abc import Iterable, Sequence

import msgspec

from kernel.rng import Rng
from simulators.sites.messages import Message
from simulators.world.warehouse.parameters import Network

DAY_S = 86_400.0
AFTER_CUT_S = 2.0


class Cut(msgspec.Struct, frozen=True):
    """The site's line is down from, until."""

    from_s: float
    until_s: float


def draw_cuts(network: Network, days: int, rng: Rng) -> tuple[Cut, ...]:
    """The cuts of a run: some days have one, of a length spread evenly between the bounds."""
    draw, cuts = rng.child("cuts").numpy, []
    for day in range(days):
        if draw.random() < network.outage_a_day:
            from_s = day * DAY_S + draw.uniform(0, DAY_S)
            minutes = draw.uniform(network.outage_min_min, network.outage_min_max)
            cuts.append(Cut(from_s, from_s + 60 * minutes))
    return tuple(cuts)


class Line:
    """The line between devices and product: `put` what is said, `take` what arrives by a moment."""

    def __init__(
        self, network: Network, cuts: Sequence[Cut], rng: Rng, losing: frozenset[str] = frozenset()
    ) -> None:
        self._network = network
        self._cuts = sorted(cuts, key=lambda cut: cut.from_s)
        self._draw = rng.child("line").numpy
        self._losing = losing
        self._on_the_way: list[Message] = []
        self.repeated = self.late = self.delayed = self.lost = 0

    def put(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._put(message)

    def _put(self, message: Message) -> None:
        cut = next((cut for cut in self._cuts if cut.from_s <= message.at_s < cut.until_s), None)
        if cut is not None:
            if message.via in self._losing:
                self.lost += 1
                return
            # Replayed in the order in which it was said, once the line is back.
            share = (message.at_s - cut.from_s) / (cut.until_s - cut.from_s)
            message = msgspec.structs.replace(message, at_s=cut.until_s + AFTER_CUT_S * (1 + share))
            self.delayed += 1
        if message.via == "broker":
            message = self._trouble(message)
        heapq.heappush(self._on_the_way, message)

    def _trouble(self, message: Message) -> Message:
        """Repeats and overtaking, as a broker with redelivery shows them."""
        luck = self._draw.random()
        if luck < self._network.duplicate_share:
            again_s = message.at_s + self._draw.uniform(0.5, self._network.late_s_max)
            heapq.heappush(self._on_the_way, msgspec.structs.replace(message, at_s=again_s))
            self.repeated += 1
        elif luck < self._network.duplicate_share + self._network.late_share:
            late_s = message.at_s + self._draw.uniform(0.5, self._network.late_s_max)
            self.late += 1
            return msgspec.structs.replace(message, at_s=late_s)
        return message

    def take(self, until_s: float) -> Iterable[Message]:
        """What arrives up to a moment, in order."""
        while self._on_the_way and self._on_the_way[0].at_s <= until_s:
            yield heapq.heappop(self._on_the_way)

    @property
    def waiting(self) -> int:
        return len(self._on_the_way)
