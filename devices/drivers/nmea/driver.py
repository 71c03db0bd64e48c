"""Listens to a satellite receiver that sends NMEA 0183 over TCP.

The receiver numbers nothing and repeats nothing, so the driver numbers each position once: `boot` is given
and must grow with each start of the driver.
"""

from asyncio import sleep
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Self

import msgspec

from devices.drivers.nmea.codec import LINE_BYTES_MAX, decode
from devices.drivers.nmea.epochs import Epochs, Fixed, Unfixed
from devices.transport.decoding import FieldRejected
from devices.transport.limit import Limit
from devices.transport.lines import Lines
from devices.transport.numbering import Numbered
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost, TcpLink
from kernel.clock import Clock
from kernel.messages import DeviceStatus, Observation, Rejected

SILENCE_MS: Final = 10_000
LINES_PER_S_MAX: Final = 500
"""Twenty epochs a second with two dozen sentences each."""
TOO_FAST: Final = f"more than {LINES_PER_S_MAX} lines a second; the rest is not read"

Item = Observation | Rejected


class NmeaDriver:
    """An async context manager with one async iterator, `readings()`.

    A receiver that is away raises nothing: it is stated once and tried again with a bounded back-off. One
    that is there and has no fix is a fault that is stated once, and never a position. Raises ValueError for a
    `silence_ms` that is not positive.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        port: int,
        clock: Clock,
        boot: int,
        *,
        silence_ms: int = SILENCE_MS,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if silence_ms <= 0:
            raise ValueError("silence_ms must be positive")
        self._clock = clock
        self._link = TcpLink(host, port)
        self._silence_s = silence_ms / 1000
        self._numbered = Numbered(device_id, boot, clock)
        self._presence = Presence(clock.now(), backoff_s)
        self._limit = Limit(LINES_PER_S_MAX)
        self._lines = Lines(LINE_BYTES_MAX)
        self._epochs = Epochs()
        self._trouble = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    async def readings(self) -> AsyncIterator[Item]:
        """Every position, every statement and every malformed line, until the driver is left."""
        while True:
            try:
                data = await self._link.read(self._silence_s)
            except LinkLost as error:
                for item in self._lost(str(error)):
                    yield item
                await sleep(self._presence.wait_s)
            else:
                for item in self._heard(data):
                    yield item

    def _lost(self, reason: str) -> list[Item]:
        """What was heard last is told yet; the rest of a line is none."""
        items = self._told(self._epochs.finish())
        self._lines, self._epochs, self._trouble = Lines(LINE_BYTES_MAX), Epochs(), ""
        return items + self._stated(self._presence.lost(reason))

    def _heard(self, data: bytes) -> list[Item]:
        items: list[Item] = []
        for line, error in self._lines.feed(data):
            if not self._limit.admits(self._clock.now()):
                continue
            try:
                if error is not None:
                    raise error
                sentence = decode(line)
            except FieldRejected as rejected:
                items += self._numbered.rejected(rejected, line)
                continue
            self._numbered.well_formed()
            items += self._stated(self._presence.heard(self._clock.now()))
            if sentence is not None:
                items += self._told(self._epochs.add(sentence, line))
        too_fast = TOO_FAST if self._limit.is_exceeded else ""
        return items + self._stated(self._presence.troubled(self._trouble or too_fast))

    def _told(self, epochs: Sequence[Fixed | Unfixed]) -> list[Item]:
        items: list[Item] = []
        for epoch in epochs:
            self._trouble = epoch.reason if isinstance(epoch, Unfixed) else ""
            items += self._stated(self._presence.troubled(self._trouble))
            if isinstance(epoch, Fixed):
                seen = self._numbered.observation(epoch.position, epoch.at, epoch.raw)
                items.append(seen if epoch.is_whole else msgspec.structs.replace(seen, quality="suspect"))
        return items

    def _stated(self, statuses: Sequence[DeviceStatus]) -> list[Item]:
        return [self._numbered.observation(status) for status in statuses]
