"""Node ids as OPC 10000-6 prints them, and values as status variables have them."""

import pytest

from devices.drivers.opcua_barrier.codec import decode, raw_of
from devices.families import FAMILIES
from devices.transport.decoding import FieldRejected
from devices.transport.nodes import NodeName, read_node
from kernel.messages import BarrierState

PARAMETERS = FAMILIES["opcua_barrier"].parameters


@pytest.mark.parametrize(
    ("text", "node"),
    [
        # OPC 10000-6 1.04, 5.3.1.10, and 1.05, 5.1.12: the examples there.
        ("i=13", NodeName(0, "i", "13")),
        ("ns=10;s=Hello:World", NodeName(10, "s", "Hello:World")),
        ("g=09087e75-8e5e-499b-954f-f2a9603db28a", NodeName(0, "g", "09087e75-8e5e-499b-954f-f2a9603db28a")),
        ("ns=1;b=M/RbKBsRVkePCePcx24oRA==", NodeName(1, "b", "M/RbKBsRVkePCePcx24oRA==")),
        (
            "nsu=http://widgets.com/schemas/hello;s=水 World",
            NodeName("http://widgets.com/schemas/hello", "s", "水 World"),
        ),
        # Siemens S7-1500: names of the program in quotes.
        ('ns=3;s="Barrier"."Open"', NodeName(3, "s", '"Barrier"."Open"')),
        ("ns=2;s=a;b=c", NodeName(2, "s", "a;b=c")),
    ],
)
def test_node_ids_read_as_the_specification_has_them(text: str, node: NodeName) -> None:
    assert read_node(text) == node
    assert PARAMETERS["barrier"].broken_rule(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Barrier",
        "ns=2",
        "ns=2;",
        "ns=2;s=",
        "ns=65536;i=1",
        "ns=10;i=-1",
        "i=4294967296",
        "i=١",
        "g=09087e75",
        "b=M",
        "nsu=;s=a",
        "x=1",
    ],
)
def test_a_text_that_is_no_node_id_is_refused_at_enrolment(text: str) -> None:
    with pytest.raises(FieldRejected):
        read_node(text)
    assert PARAMETERS["barrier"].broken_rule(text)


def test_switches_and_loop_are_a_state() -> None:
    values = {"is_open": True, "is_closed": False, "loop": True}
    assert decode(values) == BarrierState(is_open=True, is_closed=False, loop_occupied=True)
    assert raw_of(values) == b'{"is_open":true,"is_closed":false,"loop":true}'


@pytest.mark.parametrize("name", ["is_open", "is_closed", "loop"])
def test_a_switch_that_the_server_does_not_vouch_for_is_no_state(name: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode({"is_open": False, "is_closed": True, "loop": False, name: None})
    assert refused.value.field == name
