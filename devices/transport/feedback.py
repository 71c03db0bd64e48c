"""What drivers of devices that obey share: the newest state that a device's feedback shows, waiting for it to
be as ordered, and telling an unchanged one again now and then."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Generic, Literal, TypeVar

from devices.transport.orders import Order
from kernel.clock import Clock
from kernel.messages import BarrierState

REPEAT_S: Final = 60.0
"""An unchanged state is reported again after this time, so that silence means something."""

State = TypeVar("State")
Failure = Literal["expired", "feedback", "unreachable", "refused"]


class NotDone(Exception):
    """The device did not take what was written to it: `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class Feedback(Generic[State]):
    """The newest state that was read; None while the device does not answer or contradicts itself."""

    def __init__(self) -> None:
        self.state: State | None = None
        self._read = asyncio.Condition()

    async def saw(self, state: State | None) -> None:
        """What was read now."""
        self.state = state
        async with self._read:
            self._read.notify_all()

    async def until(self, holds: Callable[[State], bool], within_s: float) -> bool:
        """Whether the state is as wanted within this time."""
        try:
            async with asyncio.timeout(within_s), self._read:
                await self._read.wait_for(lambda: self.state is not None and holds(self.state))
        except TimeoutError:
            return False
        return True

    async def after(
        self, write: Awaitable[None], holds: Callable[[State], bool], within_s: float
    ) -> Failure | None:
        """Write an order and wait until the state is as wanted; None when it is, else why not."""
        try:
            await write
        except NotDone as error:
            return error.failure
        return None if await self.until(holds, within_s) else "feedback"


async def move_boom(
    order: Order,
    feedback: Feedback[BarrierState],
    write: Callable[[Literal["open", "close"]], Awaitable[None]],
    clock: Clock,
    *,
    loop_free_s: float,
    feedback_s: float,
) -> Failure | Literal["loop_occupied"] | None:
    """Open or close a barrier and wait for its limit switch. `write` raises NotDone.

    Never closes on a vehicle: while the loop is occupied, closing waits, and gives up with `loop_occupied`;
    nothing is written then.
    """
    if order.action == "open":
        return await feedback.after(write("open"), lambda state: state.is_open, feedback_s)
    if not await feedback.until(lambda state: not state.loop_occupied, loop_free_s):
        return "loop_occupied" if feedback.state is not None else "unreachable"
    if clock.now() > order.valid_until:
        return "expired"
    return await feedback.after(write("close"), lambda state: state.is_closed, feedback_s)


class News:
    """Whether what was read is to be told: when it changed, and again after `REPEAT_S`. Pure."""

    def __init__(self) -> None:
        self._told: tuple[bytes, datetime] | None = None

    def is_news(self, raw: bytes, now: datetime) -> bool:
        if self._told is not None:
            before, at = self._told
            if before == raw and (now - at).total_seconds() < REPEAT_S:
                return False
        self._told = raw, now
        return True
