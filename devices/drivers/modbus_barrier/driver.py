"""Watches a barrier's switches and carries out orders, each confirmed by the barrier's own feedback."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Literal, Self

from devices.drivers.modbus_barrier.codec import (
    COIL_BOOM,
    INPUTS,
    INPUTS_ADDRESS,
    coil_of,
    decode,
)
from devices.transport.decoding import FieldRejected
from devices.transport.modbus import ModbusLink
from devices.transport.modbus_answer import AnswerRejected, packed
from devices.transport.obeying import NotDone, move_boom
from devices.transport.orders import Order
from devices.transport.presence import BACKOFF_S
from devices.transport.tcp import LinkLost
from devices.transport.watching import Item, Seen, StateWatch
from kernel.clock import Clock
from kernel.messages import BarrierState

POLL_MS: Final = 100
FEEDBACK_S: Final = 8.0
"""A boom takes two to six seconds; past this the order has failed."""
LOOP_FREE_S: Final = 15.0
"""How long an order to close waits for the vehicle under the boom to leave."""


class ModbusBarrierDriver:
    """An async context manager with one async iterator, `readings()`, and the orders `open` and `close`.

    The driver numbers: `boot` is given and must grow with each start, `sequence` counts from 1. Orders are
    confirmed from what `readings()` polls, so somebody must be iterating it. The emergency release is
    mechanical and not ours: a boom that moves without an order shows as a state like any other.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        port: int,
        clock: Clock,
        boot: int,
        *,
        unit: int = 1,
        poll_ms: int = POLL_MS,
        feedback_s: float = FEEDBACK_S,
        loop_free_s: float = LOOP_FREE_S,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if poll_ms <= 0:
            raise ValueError("poll_ms must be positive")
        self._clock = clock
        self._poll_s = poll_ms / 1000
        self._feedback_s = feedback_s
        self._loop_free_s = loop_free_s
        self._link = ModbusLink(host, port, unit)
        self._watch: StateWatch[BarrierState] = StateWatch(
            device_id, boot, clock, self._look, self._pause, backoff_s=backoff_s
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    async def command(self, order: Order) -> str | None:
        """Open or close and wait for the limit switch; None when it got there, else why not. Never closes on
        a vehicle."""
        return await move_boom(
            order,
            self._watch.feedback,
            self._write,
            self._clock,
            loop_free_s=self._loop_free_s,
            feedback_s=self._feedback_s,
        )

    def readings(self) -> AsyncIterator[Item]:
        """Each change of state, each statement and each contradiction, until the driver is left."""
        return self._watch.readings()

    async def _look(self) -> Seen[BarrierState]:
        inputs = await self._link.discrete_inputs(INPUTS_ADDRESS, INPUTS)
        try:
            return Seen(packed(inputs), decode(inputs))
        except FieldRejected as error:
            return Seen(packed(inputs), error)

    async def _pause(self) -> None:
        await asyncio.sleep(self._poll_s)

    async def _write(self, action: Literal["open", "close"]) -> None:
        try:
            await self._link.write_coil(COIL_BOOM, coil_of(action))
        except LinkLost as error:
            raise NotDone("unreachable") from error
        except AnswerRejected as error:
            raise NotDone("refused") from error
