"""Watches a barrier's switches and carries out orders, each confirmed by the barrier's own feedback."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
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
from devices.transport.modbus import ModbusLink
from devices.transport.modbus_answer import AnswerRejected
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost
from kernel.clock import Clock
from kernel.messages import BarrierState, DeviceStatus, Observation, Rejected

POLL_MS: Final = 100
FEEDBACK_S: Final = 8.0
"""A boom takes two to six seconds; past this the order has failed."""
LOOP_FREE_S: Final = 15.0
"""How long an order to close waits for the vehicle under the boom to leave."""
REPEAT_S: Final = 60.0
"""An unchanged state is reported again after this time, so that silence means something."""

Action = Literal["open", "close"]
Failure = Literal["expired", "feedback", "loop_occupied", "unreachable", "refused"]
Item = Observation | Rejected


class ModbusBarrierDriver:
    """An async context manager with one async iterator, `readings()`, and one order, `command()`.

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
        self._device_id = device_id
        self._clock = clock
        self._boot = boot
        self._poll_s = poll_ms / 1000
        self._feedback_s = feedback_s
        self._loop_free_s = loop_free_s
        self._link = ModbusLink(host, port, unit)
        self._presence = Presence(clock.now(), backoff_s)
        self._sequence = 0
        self._state: BarrierState | None = None
        self._reported: tuple[bytes, datetime] | None = None
        self._polled = asyncio.Condition()
        self._ordering = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    # --- orders ----------------------------------------------------------------------------------

    async def command(self, action: Action, valid_until: datetime | None = None) -> Failure | None:
        """Open or close and wait for the limit switch; None when it got there, else why not.

        Never closes on a vehicle: while the loop is occupied, closing waits, and gives up with
        `loop_occupied`. Orders wait for each other; one whose turn comes after `valid_until` is void.
        """
        async with self._ordering:
            if valid_until is not None and self._clock.now() > valid_until:
                return "expired"
            if action == "close" and not await self._until(_loop_free, self._loop_free_s):
                return "loop_occupied" if self._state is not None else "unreachable"
            try:
                await self._link.write_coil(COIL_BOOM, coil_of(action))
            except LinkLost:
                return "unreachable"
            except AnswerRejected:
                return "refused"
            there = _is_open if action == "open" else _is_closed
            return None if await self._until(there, self._feedback_s) else "feedback"

    async def _until(self, holds: Callable[[BarrierState], bool], within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s), self._polled:
                await self._polled.wait_for(lambda: self._state is not None and holds(self._state))
        except TimeoutError:
            return False
        return True

    # --- readings --------------------------------------------------------------------------------

    async def readings(self) -> AsyncIterator[Item]:
        """Each change of state, each statement and each contradiction, until the driver is left."""
        while True:
            try:
                inputs = await self._link.discrete_inputs(INPUTS_ADDRESS, INPUTS)
            except (LinkLost, AnswerRejected) as error:
                await self._saw(None)
                for item in self._lost(error):
                    yield item
                await asyncio.sleep(self._presence.wait_s)
                continue
            for status in self._presence.heard(self._clock.now()):
                yield self._observation(status)
            for item in await self._read(inputs):
                yield item
            await asyncio.sleep(self._poll_s)

    def _lost(self, error: LinkLost | AnswerRejected) -> list[Item]:
        stated = self._presence.lost(str(error))
        if isinstance(error, LinkLost):
            return [self._observation(status) for status in stated]
        faults: list[Item] = [
            self._observation(DeviceStatus(state="fault", reason=status.reason)) for status in stated
        ]
        now = self._clock.now()
        return [*faults, self._rejected(error, error.raw, now)] if self._is_news(error.raw, now) else faults

    async def _read(self, inputs: Sequence[bool]) -> list[Item]:
        raw, now = raw_of(inputs), self._clock.now()
        try:
            state = decode(inputs)
        except FieldRejected as error:
            await self._saw(None)
            return [self._rejected(error, raw, now)] if self._is_news(raw, now) else []
        await self._saw(state)
        return [self._observation(state, raw)] if self._is_news(raw, now) else []

    def _is_news(self, raw: bytes, now: datetime) -> bool:
        if self._reported is not None:
            before, at = self._reported
            if before == raw and (now - at).total_seconds() < REPEAT_S:
                return False
        self._reported = raw, now
        return True

    async def _saw(self, state: BarrierState | None) -> None:
        self._state = state
        async with self._polled:
            self._polled.notify_all()

    def _observation(self, reading: BarrierState | DeviceStatus, raw: bytes = b"") -> Observation:
        self._sequence += 1
        return Observation(
            device_id=self._device_id,
            boot=self._boot,
            sequence=self._sequence,
            observed_at=self._clock.now(),
            reading=reading,
            raw_sha256=hashlib.sha256(raw).hexdigest() if raw else "",
        )

    def _rejected(self, error: FieldRejected, raw: bytes, now: datetime) -> Rejected:
        return Rejected(
            device_id=self._device_id, field=error.field, rule=error.rule, raw=raw, received_at=now
        )


def _loop_free(state: BarrierState) -> bool:
    return not state.loop_occupied


def _is_open(state: BarrierState) -> bool:
    return state.is_open


def _is_closed(state: BarrierState) -> bool:
    return state.is_closed
