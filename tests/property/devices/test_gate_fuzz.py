"""Whatever barriers and signals answer: a state without contradiction, or the field that is wrong."""

from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.modbus_signal import codec as modbus_signal
from devices.drivers.opcua_barrier import codec as opcua_barrier
from devices.drivers.opcua_signal import codec as opcua_signal
from devices.transport.decoding import FieldRejected
from devices.transport.modbus_answer import packed
from devices.transport.nodes import NodeName, read_node
from kernel.messages import BarrierState, SignalState

values = st.dictionaries(
    st.sampled_from(["is_open", "is_closed", "loop", "red", "amber", "green", "x"]),
    st.none() | st.booleans(),
    max_size=7,
)
node_parts = st.tuples(
    st.sampled_from(["", "ns=2;", "ns=70000;", "nsu=http://a%3B/;", "nsu=;"]),
    st.sampled_from(["i=", "s=", "g=", "b=", "x="]),
    st.text(max_size=40) | st.integers().map(str) | st.uuids().map(str),
).map("".join)


@given(st.lists(st.booleans(), max_size=8), st.sampled_from(sorted(modbus_signal.LAMPS)))
def test_any_bits_of_lamps_are_an_aspect_or_the_field_that_is_wrong(bits: list[bool], lamps: str) -> None:
    with suppress(FieldRejected):
        state = modbus_signal.decode(bits, modbus_signal.LAMPS[lamps])
        assert sum(bits) == (state.aspect != "off")
        assert modbus_signal.coils_of(state.aspect, modbus_signal.LAMPS[lamps]) == bits
    assert len(packed(bits)) == (len(bits) + 7) // 8


@given(values)
def test_any_values_of_lamps_are_an_aspect_or_the_field_that_is_wrong(found: dict[str, bool | None]) -> None:
    opcua_signal.raw_of(found)
    with suppress(FieldRejected):
        state = opcua_signal.decode(found)
        assert isinstance(state, SignalState)
        assert state.aspect == "off" or found[state.aspect] is True


@given(values)
def test_any_values_of_a_barrier_are_a_state_or_the_field_that_is_wrong(found: dict[str, Any]) -> None:
    opcua_barrier.raw_of(found)
    with suppress(FieldRejected):
        state = opcua_barrier.decode(found)
        assert isinstance(state, BarrierState)
        assert not (state.is_open and state.is_closed)


@given(node_parts | st.text(max_size=60))
def test_any_text_is_a_node_id_or_refused(text: str) -> None:
    with suppress(FieldRejected):
        assert isinstance(read_node(text), NodeName)
