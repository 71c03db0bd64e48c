"""A signal's lamps as status variables. Pure: values come in as plain Python."""

from collections.abc import Mapping

import msgspec

from devices.transport.decoding import FieldRejected
from devices.transport.gate import LAMPS, Lamp, lamp_state
from kernel.messages import SignalState


def decode(values: Mapping[str, bool | None]) -> SignalState:
    """What the lamps show; `values` has those that there are. Raises FieldRejected for one that the server
    does not vouch for, and for lamps that contradict each other."""
    lit: dict[Lamp, bool] = {}
    for lamp in LAMPS:
        value = values.get(lamp, False)
        if value is None:
            raise FieldRejected(lamp, "true or false, with a good status")
        lit[lamp] = value
    return lamp_state(lit, "lamps")


def raw_of(values: Mapping[str, bool | None]) -> bytes:
    """What was read, as JSON."""
    return msgspec.json.encode(values)
