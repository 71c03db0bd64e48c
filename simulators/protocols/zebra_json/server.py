"""A Zebra reader on the wire: a client of the broker that publishes and counts what it hears."""

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from kernel.clock import Clock
from simulators.protocols.publisher import Login, Publisher
from simulators.protocols.zebra_json import frames


class ZebraReader:
    """An async context manager; the world calls `hear`. It sends `batch` tag events a message."""

    def __init__(
        self, login: Login, site_id: str, device_id: str, clock: Clock, *, port_count: int = 4, batch: int = 1
    ) -> None:
        self._publisher = Publisher(login, site_id, device_id)
        self._clock = clock
        self._batch = batch
        self._port_count = port_count
        self._waiting: list[dict[str, Any]] = []
        self._events = 0
        self.event_number = 0

    async def __aenter__(self) -> Self:
        await self._publisher.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._publisher.__aexit__(kind, error, trace)

    def hear(self, epc_hex: str, antenna: int, rssi_dbm: int, at: datetime, *, reads: int = 1) -> None:
        """A tag was in the field of an antenna at `at`."""
        self.event_number += 1
        self._waiting.append(frames.tag(at, self.event_number, epc_hex, antenna, rssi_dbm, reads=reads))
        if len(self._waiting) >= self._batch:
            self._publisher.publish(frames.TAGS_CHANNEL, frames.packet(self._waiting))
            self._waiting = []

    def lose(self, count: int) -> None:
        """So many events were counted and never left the reader."""
        self.event_number += count

    def restart(self) -> None:
        """Its count begins anew, and what waited is gone."""
        self.event_number, self._waiting = 0, []

    def beat(self, connected: Sequence[int], *, is_active: bool = True) -> None:
        """A heartbeat with the ports that have an antenna."""
        number = self._next_event()
        self._say(
            frames.heartbeat(self._clock.now(), number, connected, self._port_count, is_active=is_active)
        )

    def set_input(self, pin: int, *, is_high: bool) -> None:
        self._say(frames.input_change(self._clock.now(), self._next_event(), pin, is_high=is_high))

    def send_raw(self, payload: bytes) -> None:
        """Any bytes at all: for tests of malformed messages."""
        self._publisher.publish(frames.TAGS_CHANNEL, payload)

    async def sent(self, within_s: float) -> None:
        """Wait until the broker has everything. Raises TimeoutError."""
        await self._publisher.sent(within_s)

    def _next_event(self) -> int:
        self._events += 1
        return self._events

    def _say(self, event: dict[str, Any]) -> None:
        self._publisher.publish(frames.EVENTS_CHANNEL, frames.packet([event]))
