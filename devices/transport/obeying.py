"""Orders to barriers and signal lamps, each confirmed by the device's own feedback."""

from collections.abc import Awaitable, Callable
from typing import Literal

from devices.transport.orders import Order
from devices.transport.watching import Feedback, State
from kernel.clock import Clock
from kernel.messages import BarrierState, SignalState

Failure = Literal["expired", "feedback", "unreachable", "refused"]


class NotDone(Exception):
    """The device did not take what was written to it: `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


async def move_boom(
    order: Order,
    feedback: Feedback[BarrierState],
    write: Callable[[Literal["open", "close"]], Awaitable[None]],
    clock: Clock,
    *,
    loop_free_s: float,
    feedback_s: float,
) -> Failure | Literal["loop_occupied"] | None:
    """Open or close a barrier and wait for its limit switch; None when it got there, else why not. `write`
    raises NotDone.

    Never closes on a vehicle: while the loop is occupied, closing waits, and gives up with `loop_occupied`;
    nothing is written then.
    """
    if order.action == "open":
        return await _after(write("open"), feedback, lambda state: state.is_open, feedback_s)
    if not await feedback.until(lambda state: not state.loop_occupied, loop_free_s):
        return "loop_occupied" if feedback.state is not None else "unreachable"
    if clock.now() > order.valid_until:
        return "expired"
    return await _after(write("close"), feedback, lambda state: state.is_closed, feedback_s)


async def show_aspect(
    aspect: str, feedback: Feedback[SignalState], write: Callable[[], Awaitable[None]], feedback_s: float
) -> Failure | None:
    """Have a signal show an aspect and wait until its lamps do. `write` raises NotDone."""
    return await _after(write(), feedback, lambda state: state.aspect == aspect, feedback_s)


async def _after(
    write: Awaitable[None], feedback: Feedback[State], holds: Callable[[State], bool], within_s: float
) -> Failure | None:
    try:
        await write
    except NotDone as error:
        return error.failure
    return None if await feedback.until(holds, within_s) else "feedback"
