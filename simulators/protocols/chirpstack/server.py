"""The network server on the wire: a client of the broker that speaks for its nodes."""

from collections import defaultdict
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from kernel.clock import Clock
from kernel.rng import Rng
from simulators.protocols.chirpstack.frames import Heard, Node, channel, error, join, status, up
from simulators.protocols.publisher import Login, Publisher

HEARD = (Heard("0016c001f153a14c", -97, 6.5),)


class NetworkServer:
    """An async context manager. Nodes join, then `uplink`; `repeat` delivers the last event once more, as a
    server does that was not sure that the broker had it."""

    def __init__(self, login: Login, site_id: str, device_id: str, clock: Clock, rng: Rng) -> None:
        self._publisher = Publisher(login, site_id, device_id)
        self._clock = clock
        self._rng = rng
        self._sessions: dict[str, Node] = {}
        self._counters: dict[str, int] = defaultdict(int)
        self._last: tuple[str, bytes] | None = None

    async def __aenter__(self) -> Self:
        await self._publisher.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._publisher.__aexit__(kind, error, trace)

    def join(self, dev_eui: str) -> str:
        """A node begins a new session with a new address, which is returned; its counter starts at 0."""
        node = Node(dev_eui, f"{self._rng.integer(0, 2**32 - 1):08x}")
        self._sessions[dev_eui], self._counters[dev_eui] = node, 0
        self._publish(dev_eui, "join", join(node, self._clock.now(), self._id()))
        return node.dev_addr

    def uplink(self, dev_eui: str, said: Mapping[str, Any] | None, heard: tuple[Heard, ...] = HEARD) -> None:
        """A node spoke."""
        counter = self._counters[dev_eui]
        self._counters[dev_eui] += 1
        node, now = self._sessions[dev_eui], self._clock.now()
        self._publish(dev_eui, "up", up(node, now, counter, heard, b"\x01\x02", said, self._id()))

    def status(self, dev_eui: str, margin_db: int, battery_percent: float) -> None:
        """A node answered the server's request for its status."""
        node = self._sessions[dev_eui]
        self._publish(
            dev_eui, "status", status(node, self._clock.now(), margin_db, battery_percent, self._id())
        )

    def complain(self, dev_eui: str, code: str, description: str) -> None:
        """The server found something wrong with a frame of the node."""
        self._publish(dev_eui, "log", error(self._sessions[dev_eui], self._clock.now(), code, description))

    def repeat(self) -> None:
        """The last event once more, byte for byte."""
        assert self._last is not None
        self._publisher.publish(*self._last)

    async def sent(self, within_s: float) -> None:
        """Wait until the broker has everything. Raises TimeoutError."""
        await self._publisher.sent(within_s)

    def _publish(self, dev_eui: str, event: str, payload: bytes) -> None:
        self._last = channel(dev_eui, event), payload
        self._publisher.publish(*self._last)

    def _id(self) -> str:
        return str(UUID(bytes=self._rng.bytes(16), version=4))
