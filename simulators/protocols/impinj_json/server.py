"""An Impinj reader on the wire: a client of the broker that publishes its events."""

from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self

from kernel.clock import Clock
from simulators.protocols.impinj_json import frames
from simulators.protocols.publisher import Login, Publisher


class ImpinjReader:
    """An async context manager; the world calls `hear`. `epc_as` is how it is configured to tell an EPC."""

    def __init__(
        self,
        login: Login,
        site_id: str,
        device_id: str,
        clock: Clock,
        *,
        epc_as: Literal["hex", "base64url", "both"] = "both",
    ) -> None:
        self._publisher = Publisher(login, site_id, device_id)
        self._clock = clock
        self._epc_as = epc_as

    async def __aenter__(self) -> Self:
        await self._publisher.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._publisher.__aexit__(kind, error, trace)

    def hear(self, epc_hex: str, antenna: int, rssi_cdbm: int, at: datetime, *, tid_hex: str = "") -> None:
        """A tag was in the field of an antenna at `at`; the event is queued now."""
        self._say(
            frames.tag_inventory(
                self._clock.now(), at, epc_hex, antenna, rssi_cdbm, tid_hex=tid_hex, epc_as=self._epc_as
            )
        )

    def set_antenna(self, port: int, *, is_connected: bool) -> None:
        self._say(frames.antenna(self._clock.now(), port, is_connected=is_connected))

    def set_inventory(self, status: Literal["idle", "running", "armed"]) -> None:
        self._say(frames.inventory_status(self._clock.now(), status))

    def set_input(self, number: int, *, is_high: bool) -> None:
        self._say(frames.input_change(self._clock.now(), number, is_high=is_high))

    def purge(self, first: datetime, last: datetime, count: int) -> None:
        """Its buffer was full: the events of a span of time are gone."""
        self._say(frames.overflow(self._clock.now(), first, last, count, 0))

    def leave(self) -> None:
        """What the broker sends in its name when it vanishes."""
        self._publisher.publish(frames.STATUS_CHANNEL, frames.CONNECTION_LOST)

    def come_back(self) -> None:
        self._publisher.publish(frames.STATUS_CHANNEL, frames.CONNECTED)

    def send_raw(self, payload: bytes) -> None:
        """Any bytes at all: for tests of malformed messages."""
        self._publisher.publish(frames.EVENTS_CHANNEL, payload)

    async def sent(self, within_s: float) -> None:
        """Wait until the broker has everything. Raises TimeoutError."""
        await self._publisher.sent(within_s)

    def _say(self, event: dict[str, Any]) -> None:
        self._publisher.publish(frames.EVENTS_CHANNEL, frames.packet(event))
