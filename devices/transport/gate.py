"""What drivers of barriers and signal lamps share: a state from switches and lamps, or what contradicts
itself. Pure."""

from collections.abc import Mapping
from typing import Final, Literal

from devices.transport.decoding import FieldRejected
from kernel.messages import BarrierState, SignalState

Lamp = Literal["red", "amber", "green"]
LAMPS: Final[tuple[Lamp, ...]] = ("red", "amber", "green")


def boom_state(*, is_open: bool, is_closed: bool, loop_occupied: bool, field: str) -> BarrierState:
    """The state that the limit switches and the loop say. Raises FieldRejected naming `field`."""
    if is_open and is_closed:
        raise FieldRejected(field, "not open and closed at once")
    return BarrierState(is_open=is_open, is_closed=is_closed, loop_occupied=loop_occupied)


def lamp_state(lit: Mapping[Lamp, bool], field: str) -> SignalState:
    """The aspect that lamps show: the one that is lit, or off. Raises FieldRejected naming `field` for lamps
    that contradict each other: nobody can tell what such a signal says."""
    showing = [lamp for lamp, is_lit in lit.items() if is_lit]
    if len(showing) > 1:
        raise FieldRejected(field, f"at most one lamp lit, not {' and '.join(showing)}")
    return SignalState(aspect=showing[0] if showing else "off")
