"""Watches a barrier behind an OPC UA server and moves it by the server's methods, each order confirmed by the
barrier's own limit switches."""

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Literal, Self

from devices.drivers.opcua_barrier.codec import decode, raw_of
from devices.transport.decoding import FieldRejected
from devices.transport.obeying import NotDone, move_boom
from devices.transport.opcua import OpcUaLink
from devices.transport.orders import Order
from devices.transport.presence import BACKOFF_S
from devices.transport.tcp import LinkLost
from devices.transport.watching import Item, Seen, StateWatch
from kernel.clock import Clock
from kernel.messages import BarrierState

POLL_MS: Final = 1_000
FEEDBACK_S: Final = 8.0
"""A boom takes two to six seconds; past this the order has failed."""
LOOP_FREE_S: Final = 15.0
"""How long an order to close waits for the vehicle under the boom to leave."""


class OpcUaBarrierDriver:
    """An async context manager with one async iterator, `readings()`, and the orders `open` and `close`.

    `barrier` is the object, `open` and `close` its methods without arguments, the others its status
    variables: node ids as people write them. A subscription says when to look, and `poll_ms` when nothing was
    said; what is looked at is read. The driver numbers: `boot` is given and must grow with each start.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        port: int,
        clock: Clock,
        boot: int,
        *,
        barrier: str,
        open: str,  # noqa: A002 - as the manifest calls it
        close: str,
        is_open: str,
        is_closed: str,
        loop: str,
        path: str = "",
        poll_ms: int = POLL_MS,
        feedback_s: float = FEEDBACK_S,
        loop_free_s: float = LOOP_FREE_S,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if poll_ms <= 0:
            raise ValueError("poll_ms must be positive")
        self._clock = clock
        self._feedback_s = feedback_s
        self._loop_free_s = loop_free_s
        self._link = OpcUaLink(
            f"opc.tcp://{host}:{port}/{path.lstrip('/')}",
            clock,
            object_node=barrier,
            variables={"is_open": is_open, "is_closed": is_closed, "loop": loop},
            methods={"open": open, "close": close},
            poll_s=poll_ms / 1000,
        )
        self._watch: StateWatch[BarrierState] = StateWatch(
            device_id,
            boot,
            clock,
            self._look,
            self._link.pause,
            backoff_s=backoff_s,
            trouble=lambda: self._link.trouble,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._link.close()

    async def command(self, order: Order) -> str | None:
        """Open or close and wait for the limit switch; None when it got there, else why not. Never closes on
        a vehicle."""
        return await move_boom(
            order,
            self._watch.feedback,
            self._call,
            self._clock,
            loop_free_s=self._loop_free_s,
            feedback_s=self._feedback_s,
        )

    def readings(self) -> AsyncIterator[Item]:
        """Each change of state, each statement and each contradiction, until the driver is left."""
        return self._watch.readings()

    async def _look(self) -> Seen[BarrierState]:
        values = await self._link.values()
        try:
            return Seen(raw_of(values), decode(values))
        except FieldRejected as error:
            return Seen(raw_of(values), error)

    async def _call(self, action: Literal["open", "close"]) -> None:
        try:
            is_taken = await self._link.call(action)
        except LinkLost as error:
            raise NotDone("unreachable") from error
        if not is_taken:
            raise NotDone("refused")
