"""The site's network: cuts with later replay, repeats, and messages that overtake each other. Pure.

A cut delays and a repeat repeats: devices keep what is not acknowledged. A fault `loss` loses, as a gateway
between device and broker does that keeps nothing, and a cut loses what a device streams and does not keep.
A request that is lost is made again, a poll that is lost is a reading missed. What is polled, and a session,
keeps its order and comes once.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, assert_never

import msgspec

from kernel.rng import Rng
from simulators.faults.model import Cut, Delay, Duplication, LineFault, Loss, Reorder
from simulators.sites.messages import Message, Via
from simulators.world.tables import Network
from simulators.world.warehouse.acts import HOUR_S

DAY_S = 86_400.0
AFTER_CUT_S = 2.0
ASKED_AGAIN_S = 5.0
"""A handheld makes a request again this long after one that failed."""
CAN_BE: Final[Mapping[Via, tuple[type[LineFault], ...]]] = {
    "broker": (Loss, Delay, Duplication, Reorder),
    "http": (Loss, Delay, Duplication, Reorder),
    "modbus": (Loss, Delay),
    "lines": (Loss, Delay),
    "llrp": (Delay,),
}
"""What the line can do to messages, by how they go. A session that loses is broken: the fault `down`."""
IN_ORDER: Final = frozenset[Via]({"modbus", "lines", "llrp"})


def draw_cuts(network: Network, days: int, rng: Rng) -> tuple[Cut, ...]:
    """The cuts of a run: some days have one, of a length spread evenly between the bounds."""
    draw, cuts = rng.child("cuts").numpy, []
    for day in range(days):
        if draw.random() < network.outage_a_day:
            from_s = day * DAY_S + draw.uniform(0, DAY_S)
            until_s = from_s + 60 * draw.uniform(network.outage_min_min, network.outage_min_max)
            cuts.append(Cut(from_h=from_s / HOUR_S, until_h=until_s / HOUR_S))
    return tuple(cuts)


def _falls_into(fault: LineFault, message: Message) -> bool:
    is_then = fault.from_h * HOUR_S <= message.at_s < fault.until_h * HOUR_S
    can_be = type(fault) in CAN_BE.get(message.via, ())
    return is_then and can_be and fault.device in ("", message.device)


class Line:
    """The line between devices and product: `put` what is said, `take` what arrives by a moment."""

    def __init__(
        self, network: Network, cuts: Sequence[Cut], rng: Rng, faults: Sequence[LineFault] = ()
    ) -> None:
        self._network = network
        self._cuts = sorted((cut.from_h * HOUR_S, cut.until_h * HOUR_S) for cut in cuts)
        self._draw = rng.child("line").numpy
        self._faults = faults
        self._of_faults = rng.child("faults").numpy
        self._in_burst: set[tuple[int, str]] = set()
        """Faults and devices whose messages are being lost."""
        self._on_the_way: list[Message] = []
        self._last_s: dict[str, float] = {}
        """When the last of what keeps its order arrives, by device."""
        self.repeated = self.late = self.delayed = self.lost = 0

    def put(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._put(message)

    def _put(self, message: Message) -> None:
        for number, fault in enumerate(self._faults):
            if _falls_into(fault, message):
                late = self._fault(number, fault, message)
                if late is None:
                    self.lost += 1
                    return
                message = late
        cut = next((cut for cut in self._cuts if cut[0] <= message.at_s < cut[1]), None)
        if cut is not None and not message.is_kept:
            self.lost += 1
            return
        if cut is not None:
            # Replayed in the order in which it was said, once the line is back.
            share = (message.at_s - cut[0]) / (cut[1] - cut[0])
            message = msgspec.structs.replace(message, at_s=cut[1] + AFTER_CUT_S * (1 + share))
            self.delayed += 1
        if message.via in ("broker", "http"):
            message = self._trouble(message)
        elif message.via in IN_ORDER:
            at_s = max(message.at_s, self._last_s.get(message.device, 0.0))
            self._last_s[message.device] = at_s
            message = msgspec.structs.replace(message, at_s=at_s)
        heapq.heappush(self._on_the_way, message)

    def _fault(self, number: int, fault: LineFault, message: Message) -> Message | None:
        """The message as the fault leaves it; None when it is lost."""
        draw = self._of_faults
        match fault:
            case Loss() if message.via == "http":
                return self._asked_again(number, fault, message)
            case Loss():
                return None if self._is_lost(number, fault, message.device) else message
            case Delay():
                self.delayed += 1
                by_s = draw.uniform(fault.s_min, fault.s_max)
                return msgspec.structs.replace(message, at_s=message.at_s + by_s)
            case Duplication() | Reorder():
                if draw.random() >= fault.share:
                    return message
                late = msgspec.structs.replace(message, at_s=message.at_s + draw.uniform(0, fault.late_s_max))
                if isinstance(fault, Reorder):
                    self.late += 1
                    return late
                self.repeated += 1
                heapq.heappush(self._on_the_way, late)
                return message
            case _:
                assert_never(fault)

    def _asked_again(self, number: int, fault: Loss, message: Message) -> Message:
        """The request that gets through, after those that did not."""
        while _falls_into(fault, message) and self._is_lost(number, fault, message.device):
            self.delayed += 1
            message = msgspec.structs.replace(message, at_s=message.at_s + ASKED_AGAIN_S)
        return message

    def _is_lost(self, number: int, fault: Loss, device: str) -> bool:
        """Gilbert's model: a run of losses ends with probability 1 / burst_mean at each message, and begins
        so often that `share` of all are lost in the long run."""
        state = number, device
        if state in self._in_burst:
            if self._of_faults.random() < 1 / fault.burst_mean:
                self._in_burst.discard(state)
        elif self._of_faults.random() < fault.share / (1 - fault.share) / fault.burst_mean:
            self._in_burst.add(state)
        return state in self._in_burst

    def _trouble(self, message: Message) -> Message:
        """Repeats and overtaking, as a broker with redelivery shows them and a handheld without an answer."""
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
