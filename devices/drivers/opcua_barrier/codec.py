"""A barrier's status variables to a state. Pure: values come in as plain Python."""

from collections.abc import Mapping

import msgspec

from devices.transport.decoding import FieldRejected
from devices.transport.gate import boom_state
from kernel.messages import BarrierState


def decode(values: Mapping[str, bool | None]) -> BarrierState:
    """Read `is_open`, `is_closed` and `loop`. Raises FieldRejected for one that the server does not vouch
    for, and for switches that contradict each other."""
    given: dict[str, bool] = {}
    for name in ("is_open", "is_closed", "loop"):
        value = values.get(name)
        if value is None:
            raise FieldRejected(name, "true or false, with a good status")
        given[name] = value
    return boom_state(
        is_open=given["is_open"], is_closed=given["is_closed"], loop_occupied=given["loop"], field="is_closed"
    )


def raw_of(values: Mapping[str, bool | None]) -> bytes:
    """What was read, as JSON."""
    return msgspec.json.encode(values)
