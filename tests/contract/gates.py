"""What the tests of barriers and signals say: states, aspects, and waiting for what the device was told."""

from collections.abc import Callable
from typing import Any, Literal

from kernel.messages import BarrierState, SignalState

SHUT = BarrierState(is_open=False, is_closed=True, loop_occupied=False)
OPEN = BarrierState(is_open=True, is_closed=False, loop_occupied=False)
UNDERWAY = BarrierState(is_open=False, is_closed=False, loop_occupied=False)


def shows(state: BarrierState | SignalState) -> Callable[[Any], bool]:
    """Whether an item is a reading of this state."""
    return lambda item: getattr(item, "reading", None) == state


def aspect(name: Literal["off", "red", "amber", "green"]) -> Callable[[Any], bool]:
    return shows(SignalState(aspect=name))


def is_occupied(item: Any) -> bool:
    """A vehicle is under the boom."""
    return bool(getattr(getattr(item, "reading", None), "loop_occupied", False))
