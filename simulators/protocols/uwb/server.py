"""The positioning server on the wire: a client of the broker that speaks for its tags."""

from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self

from kernel.clock import Clock
from simulators.protocols.publisher import Login, Publisher
from simulators.protocols.uwb.frames import CHANNEL, not_placed, packet, placed


class Place(NamedTuple):
    """Metres in the anchors' frame."""

    x_m: float
    y_m: float
    z_m: float = 0.0


class PositioningServer:
    """An async context manager. `report` tells where tags are, `lose` that one could not be placed."""

    def __init__(
        self, login: Login, site_id: str, device_id: str, clock: Clock, *, unit_m: float = 0.001
    ) -> None:
        self._publisher = Publisher(login, site_id, device_id)
        self._clock = clock
        self._unit_m = unit_m

    async def __aenter__(self) -> Self:
        await self._publisher.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._publisher.__aexit__(kind, error, trace)

    def report(self, places: Mapping[str, Place]) -> None:
        """Where tags are now, in one message."""
        now = self._clock.now()
        updates = [placed(tag, now, *place, unit_m=self._unit_m) for tag, place in places.items()]
        self._publisher.publish(CHANNEL, packet(updates))

    def lose(self, tag_id: str, code: str = "TooFewAnchors") -> None:
        """A tag was heard and could not be placed."""
        self._publisher.publish(CHANNEL, packet([not_placed(tag_id, self._clock.now(), code)]))

    async def sent(self, within_s: float) -> None:
        """Wait until the broker has everything. Raises TimeoutError."""
        await self._publisher.sent(within_s)
