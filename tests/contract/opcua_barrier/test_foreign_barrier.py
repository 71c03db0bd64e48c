"""The driver against node-opcua (npm), and against a server as the examples of asyncua make one."""

from collections.abc import Callable
from typing import Any

import pytest
from asyncua import ua, uamethod
from asyncua.server.server import Server

from devices.drivers.opcua_barrier.driver import OpcUaBarrierDriver
from kernel.clock import ManualClock
from simulators.protocols.opcua import free_port
from tests.contract.gates import OPEN, SHUT, is_occupied, shows
from tests.contract.orders import order
from tests.contract.peers import running
from tests.contract.wire import WITHIN_S, Collected

DriverFor = Callable[..., OpcUaBarrierDriver]


@pytest.fixture
def driver_for(clock: ManualClock) -> DriverFor:
    def make(port: int, node: Callable[[str], str], **settings: Any) -> OpcUaBarrierDriver:
        nodes = {"barrier": "Barrier", "open": "Barrier.Open", "close": "Barrier.Close"}
        nodes |= {"is_open": "Barrier.IsOpen", "is_closed": "Barrier.IsClosed", "loop": "Barrier.Loop"}
        given: dict[str, Any] = {name: node(part) for name, part in nodes.items()}
        given |= {"poll_ms": 100, "loop_free_s": 0.2, "feedback_s": WITHIN_S}
        return OpcUaBarrierDriver("boom", "127.0.0.1", port, clock, 1, **(given | settings))

    return make


async def test_a_foreign_barrier_is_opened_and_closed_by_its_methods(driver_for: DriverFor) -> None:
    async with (
        running("opcua_gate.cjs") as peer,
        driver_for(peer.greeting["port"], "nsu=http://gate.example/UA/;s={}".format) as driver,
        Collected(driver.readings()) as collected,
    ):
        await collected.until(shows(SHUT))
        assert await driver.command(order("open")) is None
        await collected.until(shows(OPEN))
        await peer.tell({"Barrier.Loop": True})
        await collected.until(is_occupied)
        assert await driver.command(order("close")) == "loop_occupied"
        await peer.tell({"Barrier.Loop": False})
        await collected.until(shows(OPEN), 2)
        assert await driver.command(order("close")) is None
        await collected.until(shows(SHUT), 2)
        assert await peer.tell({}) == ["Barrier.Open", "Barrier.Close"]


async def test_a_server_as_the_librarys_examples_make_one_is_understood(driver_for: DriverFor) -> None:
    """As `server-methods.py` of asyncua: numeric ids by index, and a method that answers whether it did."""
    server = Server()
    await server.init()
    port = free_port("127.0.0.1")
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/freeopcua/server/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace("http://examples.freeopcua.github.io")
    barrier = await server.nodes.objects.add_object(index, "MyObject")
    is_open = await barrier.add_variable(index, "IsOpen", False)
    is_closed = await barrier.add_variable(index, "IsClosed", True)
    loop = await barrier.add_variable(index, "Loop", False)

    @uamethod
    async def open_it(parent: ua.NodeId) -> bool:
        await is_open.write_value(True)
        await is_closed.write_value(False)
        return True

    @uamethod
    def close_it(parent: ua.NodeId) -> bool:
        return False

    nodes = {
        "Barrier": barrier,
        "Barrier.Open": await barrier.add_method(index, "open", open_it, [], [ua.VariantType.Boolean]),
        "Barrier.Close": await barrier.add_method(index, "close", close_it, [], [ua.VariantType.Boolean]),
        "Barrier.IsOpen": is_open,
        "Barrier.IsClosed": is_closed,
        "Barrier.Loop": loop,
    }
    async with (
        server,
        driver_for(port, lambda part: nodes[part].nodeid.to_string(), path="/freeopcua/server/") as driver,
        Collected(driver.readings()) as collected,
    ):
        await collected.until(shows(SHUT))
        assert await driver.command(order("open")) is None
        assert await driver.command(order("close")) == "refused"
        await collected.until(shows(OPEN))
