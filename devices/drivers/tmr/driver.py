"""Listens to the indicator of a feed mixer wagon: what its bytes amount to, `session` knows."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

from devices.drivers.tmr.codec import Settings, Unit
from devices.drivers.tmr.session import SILENCE_S_MAX, Item, TmrSession
from devices.drivers.tmr.thinning import MOVING_G
from devices.transport.presence import BACKOFF_S
from devices.transport.tcp import LinkLost, TcpLink
from kernel.clock import Clock


class TmrDriver:
    """An async context manager with one async iterator, `readings()`.

    A wagon that is away raises nothing: it is stated once and tried again with a bounded back-off.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        port: int,
        clock: Clock,
        boot: int,
        *,
        unit: Unit = "kg",
        moving_g: int = MOVING_G,
        clock_ahead_min: int = 480,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._link = TcpLink(host, port, stale_s_max=SILENCE_S_MAX)
        self._session = TmrSession(
            device_id,
            clock,
            boot,
            settings=Settings(unit, timedelta(minutes=clock_ahead_min)),
            moving_g=moving_g,
            backoff_s=backoff_s,
        )

    @property
    def live_g(self) -> int | None:
        """What the wagon shows, for a display; None while nothing was read."""
        return self._session.live_g

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    async def readings(self) -> AsyncIterator[Item]:
        """Weights that matter, feedlines, statements and malformed lines, until the driver is left."""
        while True:
            try:
                async for item in self._listen():
                    yield item
            except LinkLost as error:
                self._link.close()
                for item in self._session.lost(str(error)):
                    yield item
                await asyncio.sleep(self._session.wait_s)

    async def _listen(self) -> AsyncIterator[Item]:
        """What one connection says, until it is lost."""
        loop = asyncio.get_running_loop()
        self._session.begin()
        understood_at_s = loop.time()
        while True:
            for item in self._session.receive(await self._link.read(SILENCE_S_MAX)):
                yield item
            if self._session.has_understood:
                understood_at_s = loop.time()
            elif loop.time() - understood_at_s > SILENCE_S_MAX:
                raise LinkLost("no line was understood in time")
