"""The lamps of a signal as bits. Pure. One coil for each lamp, one after the other, red first; where the
current of the lamps is sensed, one discrete input for each, in the same order."""

from collections.abc import Mapping, Sequence
from typing import Final

from devices.transport.decoding import FieldRejected
from devices.transport.gate import Lamp, lamp_state
from kernel.messages import SignalState

LAMPS: Final[Mapping[str, tuple[Lamp, ...]]] = {
    "red": ("red",),
    "red-green": ("red", "green"),
    "red-amber-green": ("red", "amber", "green"),
}
"""Which lamps a signal has: a beacon one, a traffic light two or three."""


def decode(bits: Sequence[bool], lamps: Sequence[Lamp]) -> SignalState:
    """What the lamps show. Raises FieldRejected for lamps that contradict each other."""
    if len(bits) != len(lamps):
        raise FieldRejected("lamps", f"{len(lamps)} bits")
    return lamp_state({lamp: bool(bit) for lamp, bit in zip(lamps, bits, strict=True)}, "lamps")


def coils_of(aspect: str, lamps: Sequence[Lamp]) -> list[bool]:
    """What the coils have to be for an aspect. Raises FieldRejected for one that has no lamp."""
    if aspect != "off" and aspect not in lamps:
        raise FieldRejected("aspect", f"one of off, {', '.join(lamps)}")
    return [lamp == aspect for lamp in lamps]
