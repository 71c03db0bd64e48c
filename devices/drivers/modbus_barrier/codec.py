"""The barrier's bits. Pure. Coil 0: 1 opens, 0 closes. Discrete inputs 0, 1, 2: is open, is closed, loop."""

from collections.abc import Sequence
from typing import Literal

from devices.transport.decoding import FieldRejected
from kernel.messages import BarrierState

COIL_BOOM = 0
INPUTS_ADDRESS = 0
INPUTS = 3


def decode(inputs: Sequence[bool]) -> BarrierState:
    """Read the discrete inputs. Raises FieldRejected for switches that contradict each other."""
    if len(inputs) != INPUTS:
        raise FieldRejected("discrete inputs", f"{INPUTS} bits")
    is_open, is_closed, loop_occupied = (bool(bit) for bit in inputs)
    if is_open and is_closed:
        raise FieldRejected("discrete inputs", "not open and closed at once")
    return BarrierState(is_open=is_open, is_closed=is_closed, loop_occupied=loop_occupied)


def raw_of(inputs: Sequence[bool]) -> bytes:
    """The bits as the wire packs them: the first in the lowest bit (V1.1b3 section 6.2)."""
    return bytes([sum(1 << place for place, bit in enumerate(inputs[:8]) if bit)])


def coil_of(action: Literal["open", "close"]) -> bool:
    """The value of coil 0 that asks for `action`."""
    return action == "open"
