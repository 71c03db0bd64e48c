"""Listens to the indicator of a feed mixer wagon: weights thinned to what matters, and every feedline done.

Weights have no number and no time, so the driver numbers them under `boot`, which must grow with each start
of the driver, and they carry the edge's time. A feedline that tells when it was completed is known by that
and by truck, batch and code: sent again after a lost line or a restart, it is the same event.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Final, Self

from devices.drivers.tmr.codec import (
    LINE_BYTES_MAX,
    Fed,
    Said,
    Settings,
    Trouble,
    Unit,
    Weight,
    decode,
)
from devices.drivers.tmr.thinning import MOVING_G, Thinned
from devices.transport.decoding import FieldRejected, by_content
from devices.transport.limit import Limit
from devices.transport.lines import Lines
from devices.transport.numbering import Numbered
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost, TcpLink
from kernel.clock import Clock
from kernel.messages import DeviceStatus, FeedEvent, Observation, Rejected

SILENCE_S_MAX: Final = 5.0
"""An indicator that is on sends a weight a second at least."""
LINES_PER_S_MAX: Final = 50
"""Ten weights a second, and the feedlines of a batch at once."""
FEEDLINES_REMEMBERED_MAX: Final = 1_000
TOO_FAST: Final = f"more than {LINES_PER_S_MAX} lines a second; the rest is not read"
BELOW_ZERO: Final = "below zero: the wagon was zeroed with something in it"

Item = Observation | Rejected


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
        self._settings = Settings(unit, timedelta(minutes=clock_ahead_min))
        self._moving_g = moving_g
        self._clock = clock
        self._link = TcpLink(host, port, stale_s_max=SILENCE_S_MAX)
        self._limit = Limit(LINES_PER_S_MAX)
        self._numbered = Numbered(device_id, boot, clock)
        self._presence = Presence(clock.now(), backoff_s)
        self._thinned = Thinned(moving_g)
        self._since_told: list[bytes] = []
        self._feedlines: OrderedDict[bytes, Fed] = OrderedDict()
        self._trouble = ""
        self._has_understood = False
        self.live_g: int | None = None
        """What the wagon shows, for a display; None while nothing was read."""

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
                self._thinned.interrupt()
                self.live_g, self._trouble = None, ""
                for item in self._stated(self._presence.lost(str(error))):
                    yield item
                await asyncio.sleep(self._presence.wait_s)

    async def _listen(self) -> AsyncIterator[Item]:
        """What one connection says, until it is lost."""
        loop, lines = asyncio.get_running_loop(), Lines(LINE_BYTES_MAX)
        understood_at_s = loop.time()
        while True:
            self._has_understood = False
            # Lines end with CR, or with CR LF; empty lines are none.
            data = (await self._link.read(SILENCE_S_MAX)).replace(b"\r", b"\n")
            for line, broken in lines.feed(data):
                for item in self._take(line, broken):
                    yield item
            if self._has_understood:
                understood_at_s = loop.time()
            elif loop.time() - understood_at_s > SILENCE_S_MAX:
                raise LinkLost("no line was understood in time")

    def _take(self, line: bytes, broken: FieldRejected | None) -> list[Item]:
        if not self._limit.admits(self._clock.now()):
            return self._stated(self._presence.troubled(TOO_FAST))
        try:
            if broken is not None:
                raise broken
            said = decode(line, self._settings)
        except FieldRejected as error:
            return self._numbered.rejected(error, line)
        self._has_understood = True
        self._numbered.well_formed()
        self._note_trouble(said)
        items = self._stated(self._presence.heard(self._clock.now()))
        too_fast = TOO_FAST if self._limit.is_exceeded else ""
        items += self._stated(self._presence.troubled(self._trouble or too_fast))
        if isinstance(said, Fed):
            items += self._fed(said, line)
        elif isinstance(said, Weight) and not self._trouble:
            items += self._weigh(max(0, said.mass_g), line)
        return items

    def _note_trouble(self, said: Said) -> None:
        """Bars drift a little about zero; what lies further below is no mass, nor is an error."""
        if isinstance(said, Weight):
            self._trouble = BELOW_ZERO if said.mass_g < -self._moving_g else ""
        elif isinstance(said, Trouble):
            self._trouble = said.reason
        if self._trouble:
            self.live_g = None
            self._thinned.interrupt()

    def _weigh(self, mass_g: int, line: bytes) -> list[Item]:
        self.live_g = mass_g
        self._since_told.append(line)
        weight = self._thinned.weigh(mass_g, self._clock.now())
        if weight is None:
            return []
        raw, self._since_told = b"\n".join(self._since_told), []
        return [self._numbered.observation(weight, raw=raw)]

    def _fed(self, fed: Fed, line: bytes) -> list[Item]:
        """Each feedline once; indicators send theirs again when they are asked or saved. One that comes again
        with another weight is an identity with two contents, which ingest sets aside."""
        if self._feedlines.get(fed.known_by) == fed:
            return []
        self._feedlines[fed.known_by] = fed
        if len(self._feedlines) > FEEDLINES_REMEMBERED_MAX:
            self._feedlines.popitem(last=False)
        event = FeedEvent(
            action=fed.action,
            mass_g=fed.mass_g,
            ingredient=fed.code if fed.action == "load" else "",
            pen=fed.code if fed.action == "unload" else "",
            batch=fed.batch,
            target_g=fed.target_g,
            ration=fed.ration,
        )
        if fed.completed_at is None:
            return [self._numbered.observation(event, raw=line)]
        device_id, at = self._numbered.device_id, fed.completed_at
        return [by_content(device_id, at, event, line, known_by=fed.known_by)]

    def _stated(self, statuses: Sequence[DeviceStatus]) -> list[Item]:
        return [self._numbered.observation(status) for status in statuses]
