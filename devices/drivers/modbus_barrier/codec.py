"""The barrier's bits. Pure. Coil 0: 1 opens, 0 closes. Discrete inputs 0, 1, 2: is open, is closed, loop."""

from collections.abc import Sequence
from typing import Literal

from devices.transport.decoding import FieldRejected
from devices.transport.gate import boom_state
from kernel.messages import BarrierState

COIL_BOOM = 0
INPUTS_ADDRESS = 0
INPUTS = 3


def decode(inputs: Sequence[bool]) -> BarrierState:
    """Read the discrete inputs. Raises FieldRejected for switches that contradict each other."""
    if len(inputs) != INPUTS:
        raise FieldRejected("discrete inputs", f"{INPUTS} bits")
    is_open, is_closed, loop_occupied = (bool(bit) for bit in inputs)
    return boom_state(
        is_open=is_open, is_closed=is_closed, loop_occupied=loop_occupied, field="discrete inputs"
    )


def coil_of(action: Literal["open", "close"]) -> bool:
    """The value of coil 0 that asks for `action`."""
    return action == "open"
