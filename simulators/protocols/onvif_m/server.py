"""The camera on the wire: a client of the broker."""

from collections.abc import Iterable
from types import TracebackType
from typing import Literal, Self

from kernel.clock import Clock
from simulators.protocols.onvif_m import frames
from simulators.protocols.publisher import Login, Publisher


class RecognisingCamera:
    """An async context manager. Says what it sees, stamped with its own clock."""

    def __init__(self, login: Login, site_id: str, device_id: str, clock: Clock) -> None:
        self._publisher = Publisher(login, site_id, device_id)
        self._clock = clock

    async def __aenter__(self) -> Self:
        await self._publisher.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._publisher.__aexit__(kind, error, trace)

    def frame(self, objects: Iterable[bytes]) -> None:
        """One frame of the analytics module."""
        self._publisher.publish(frames.FRAMES_CHANNEL, frames.frame(self._clock.now(), frames.scene(objects)))

    def plate(self, number: str, likelihood: float, direction: Literal["in", "out"]) -> None:
        """A vehicle's plate was recognised."""
        message = frames.plate(self._clock.now(), number, likelihood, direction)
        self._publisher.publish(frames.PLATES_CHANNEL, message)

    def inside(self, rule: str, is_inside: bool) -> None:
        """The field detector called `rule` found something inside, or nothing any more."""
        self._publisher.publish(*frames.inside(self._clock.now(), rule, is_inside))

    def picture_is(self, state: Literal["dark", "frozen", "replayed"]) -> None:
        """The picture shows nothing."""
        self._publisher.publish(*frames.picture_is(self._clock.now(), state))

    async def sent(self, within_s: float) -> None:
        """Wait until the broker has everything. Raises TimeoutError."""
        await self._publisher.sent(within_s)
