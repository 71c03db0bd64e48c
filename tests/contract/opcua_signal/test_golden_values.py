"""Lamps as status variables have them, and node ids as OPC 10000-6 prints them."""

import pytest

from devices.drivers.opcua_signal.codec import decode, raw_of
from devices.families import FAMILIES
from devices.transport.decoding import FieldRejected
from devices.transport.nodes import NodeName, read_node
from kernel.messages import SignalState


def test_a_node_id_of_a_namespaces_address_reads_as_the_specification_has_it() -> None:
    # OPC 10000-6 1.05, 5.1.12: the semicolon in the address is percent-encoded.
    text = "nsu=tag:acme.com,2023:schemas:data#off%3B;b=M/RbKBsRVkePCePcx24oRA=="
    assert read_node(text) == NodeName("tag:acme.com,2023:schemas:data#off;", "b", "M/RbKBsRVkePCePcx24oRA==")


def test_a_lamp_that_the_signal_does_not_have_may_be_left_out_and_red_may_not() -> None:
    parameters = FAMILIES["opcua_signal"].parameters
    assert parameters["green"].broken_rule("") is None
    assert parameters["red"].broken_rule("") == "given"


def test_the_lamp_that_is_lit_is_the_aspect() -> None:
    values = {"red": False, "green": True}
    assert decode(values) == SignalState(aspect="green")
    assert raw_of(values) == b'{"red":false,"green":true}'
    assert decode({"red": False}) == SignalState(aspect="off")
    assert decode({"red": False, "amber": True, "green": False}) == SignalState(aspect="amber")


@pytest.mark.parametrize(
    ("values", "field"),
    [({"red": True, "green": True}, "lamps"), ({"red": None, "green": True}, "red")],
)
def test_lamps_that_say_nothing_sure_are_refused_by_name(values: dict[str, bool | None], field: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        decode(values)
    assert refused.value.field == field
