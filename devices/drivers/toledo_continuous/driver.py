"""Listens to a scale's continuous output and reports each load once, when it has come to rest.

The scale numbers nothing, tells no time and cannot be asked, so the driver numbers: `boot` is given and must
grow with each start of the driver. A weighing is the frame in which the load had rested long enough.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Self

from devices.drivers.toledo_continuous.codec import Frames, decode
from devices.transport.decoding import FieldRejected
from devices.transport.limit import Limit
from devices.transport.numbering import Numbered
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost, TcpLink
from devices.transport.weighing import (
    CAPTURE_MIN_G,
    CHANGE_G,
    SETTLE_S,
    Settings,
    Shown,
    Standstill,
    mass_reading,
    unseen_load,
)
from kernel.clock import Clock
from kernel.messages import DeviceStatus, Observation, Rejected

SILENCE_S_MAX: Final = 5.0
"""Scales send several frames a second; past this without a whole one the line counts as lost."""
FRAMES_PER_S_MAX: Final = 100
"""9600 baud carry 53 frames a second, and no scale has more to say."""
TOO_FAST: Final = f"more than {FRAMES_PER_S_MAX} frames a second; the rest is not read"

Item = Observation | Rejected


class ToledoContinuousDriver:
    """An async context manager with one async iterator, `readings()`.

    `has_checksum` is a setting of the scale. A scale that is away raises nothing: it is stated once and
    tried again with a bounded back-off. Raises ValueError for settings that cannot be.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        port: int,
        clock: Clock,
        boot: int,
        *,
        has_checksum: bool = True,
        settle_s: float = SETTLE_S,
        capture_min_g: int = CAPTURE_MIN_G,
        change_g: int = CHANGE_G,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._has_checksum = has_checksum
        self._clock = clock
        self._link = TcpLink(host, port, stale_s_max=SILENCE_S_MAX)
        self._limit = Limit(FRAMES_PER_S_MAX)
        self._numbered = Numbered(device_id, boot, clock)
        self._presence = Presence(clock.now(), backoff_s)
        self._standstill = Standstill(
            Settings(settle_s=settle_s, capture_min_g=capture_min_g, change_g=change_g)
        )
        self._has_whole = False
        self.live: Shown | None = None
        """What the scale shows, for a display; None while nothing was read."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    async def readings(self) -> AsyncIterator[Item]:
        """Every load at rest, every statement and every malformed frame, until the driver is left."""
        while True:
            try:
                async for item in self._listen():
                    yield item
            except LinkLost as error:
                self._link.close()
                self._standstill.interrupt()
                self.live = None
                for item in self._stated(self._presence.lost(str(error))):
                    yield item
                await asyncio.sleep(self._presence.wait_s)

    async def _listen(self) -> AsyncIterator[Item]:
        """What one connection says, until it is lost."""
        loop, frames = asyncio.get_running_loop(), Frames(has_checksum=self._has_checksum)
        whole_at_s = loop.time()
        while True:
            self._has_whole = False
            for frame, broken in frames.feed(await self._link.read(SILENCE_S_MAX)):
                for item in self._take(frame, broken):
                    yield item
            if self._has_whole:
                whole_at_s = loop.time()
            elif loop.time() - whole_at_s > SILENCE_S_MAX:
                raise LinkLost("no whole frame was heard in time")

    def _take(self, frame: bytes, broken: FieldRejected | None) -> list[Item]:
        if not self._limit.admits(self._clock.now()):
            return self._stated(self._presence.troubled(TOO_FAST))
        try:
            if broken is not None:
                raise broken
            shown = decode(frame)
        except FieldRejected as error:
            self._standstill.interrupt()
            return self._numbered.rejected(error, frame)
        self._has_whole = True
        return self._look(shown, frame)

    def _look(self, shown: Shown, frame: bytes) -> list[Item]:
        now = self._clock.now()
        self._numbered.well_formed()
        self.live = shown
        items = self._stated(self._presence.heard(now))
        verdict = self._standstill.look(shown, now)
        too_fast = TOO_FAST if self._limit.is_exceeded else ""
        items += self._stated(self._presence.troubled(self._standstill.trouble or too_fast))
        if verdict == "unseen":
            items += self._stated([unseen_load(shown)])
        elif verdict == "captured":
            reading = mass_reading(shown, self._numbered.next_sequence)
            items.append(self._numbered.observation(reading, raw=frame))
        return items

    def _stated(self, statuses: Sequence[DeviceStatus]) -> list[Item]:
        return [self._numbered.observation(status) for status in statuses]
