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
    raw_of,
)
from devices.transport.decoding import FieldRejected
from devices.transport.feedback import Feedback, News, NotDone, move_boom
from devices.transport.modbus import ModbusLink
from devices.transport.modbus_answer import AnswerRejected
from devices.transport.numbering import Numbered
from devices.transport.orders import Order
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost
from kernel.clock import Clock
from kernel.messages import BarrierState, DeviceStatus, Observation, Rejected

POLL_MS: Final = 100
FEEDBACK_S: Final = 8.0
"""A boom takes two to six seconds; past this the order has failed."""
LOOP_FREE_S: Final = 15.0
"""How long an order to close waits for the vehicle under the boom to leave."""

Item = Observation | Rejected


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
        self._numbered = Numbered(device_id, boot, clock)
        self._presence = Presence(clock.now(), backoff_s)
        self._feedback: Feedback[BarrierState] = Feedback()
        self._news = News()

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
            self._feedback,
            self._write,
            self._clock,
            loop_free_s=self._loop_free_s,
            feedback_s=self._feedback_s,
        )

    async def _write(self, action: Literal["open", "close"]) -> None:
        try:
            await self._link.write_coil(COIL_BOOM, coil_of(action))
        except LinkLost as error:
            raise NotDone("unreachable") from error
        except AnswerRejected as error:
            raise NotDone("refused") from error

    # --- readings --------------------------------------------------------------------------------

    async def readings(self) -> AsyncIterator[Item]:
        """Each change of state, each statement and each contradiction, until the driver is left."""
        while True:
            try:
                inputs = await self._link.discrete_inputs(INPUTS_ADDRESS, INPUTS)
            except (LinkLost, AnswerRejected) as error:
                await self._feedback.saw(None)
                for item in self._lost(error):
                    yield item
                await asyncio.sleep(self._presence.wait_s)
                continue
            for status in self._presence.heard(self._clock.now()):
                yield self._numbered.observation(status)
            for item in await self._read(inputs):
                yield item
            await asyncio.sleep(self._poll_s)

    def _lost(self, error: LinkLost | AnswerRejected) -> list[Item]:
        stated = self._presence.lost(str(error))
        if isinstance(error, LinkLost):
            return [self._numbered.observation(status) for status in stated]
        faults = [DeviceStatus(state="fault", reason=status.reason) for status in stated]
        return [*map(self._numbered.observation, faults), *self._set_aside(error, error.raw)]

    async def _read(self, inputs: Sequence[bool]) -> list[Item]:
        raw = raw_of(inputs)
        try:
            state = decode(inputs)
        except FieldRejected as error:
            await self._feedback.saw(None)
            return self._set_aside(error, raw)
        self._numbered.well_formed()
        await self._feedback.saw(state)
        return [self._numbered.observation(state, raw=raw)] if self._is_news(raw) else []

    def _set_aside(self, error: FieldRejected, raw: bytes) -> list[Item]:
        return self._numbered.rejected(error, raw) if self._is_news(raw) else []

    def _is_news(self, raw: bytes) -> bool:
        return self._news.is_news(raw, self._clock.now())
