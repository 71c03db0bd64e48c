"""The driver against the simulated signal over real sockets."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from devices.drivers.opcua_signal.driver import OpcUaSignalDriver
from devices.transport import opcua
from kernel.clock import ManualClock
from kernel.messages import Rejected
from simulators.protocols.opcua import OpcUaServer
from simulators.protocols.opcua_signal.server import NAMESPACE, OpcUaSignal
from tests.contract.gates import aspect
from tests.contract.orders import order
from tests.contract.scales import status_is
from tests.contract.wire import WITHIN_S, Collected

DriverFor = Callable[..., OpcUaSignalDriver]


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[OpcUaServer]:
    async with OpcUaServer(NAMESPACE) as made:
        yield made


@pytest.fixture
async def light(request: pytest.FixtureRequest, server: OpcUaServer) -> AsyncIterator[OpcUaSignal]:
    async with OpcUaSignal(server, request.node.name) as made:
        yield made


@pytest.fixture
def driver_for(light: OpcUaSignal, clock: ManualClock) -> DriverFor:
    def make(**settings: Any) -> OpcUaSignalDriver:
        given: dict[str, Any] = {
            "path": light.server.path,
            "signal": light.node(),
            "show_off": light.node("ShowOff"),
            "poll_ms": 100,
            "feedback_s": WITHIN_S,
            "backoff_s": (0.05,),
        }
        for colour in ("Red", "Amber", "Green"):
            given |= {
                f"show_{colour.lower()}": light.node(f"Show{colour}"),
                colour.lower(): light.node(colour),
            }
        return OpcUaSignalDriver(
            "light", light.server.host, light.server.port, clock, 3, **(given | settings)
        )

    return make


async def test_an_order_ends_when_the_lamps_show_the_aspect(
    light: OpcUaSignal, driver_for: DriverFor
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(aspect("off"))
        for wanted in ("red", "amber", "green", "off"):
            assert await driver.command(order("show", aspect=wanted)) is None
        await collected.until(aspect("off"), 2)
    assert light.calls == ["ShowRed", "ShowAmber", "ShowGreen", "ShowOff"]


async def test_a_broken_lamp_is_a_failed_order(light: OpcUaSignal, driver_for: DriverFor) -> None:
    light.lamps.broken.add(0)
    async with driver_for(feedback_s=0.2) as driver, Collected(driver.readings()) as collected:
        await collected.until(aspect("off"))
        assert await driver.command(order("show", aspect="red")) == "feedback"


async def test_an_aspect_without_a_method_fails_and_a_method_may_refuse(
    light: OpcUaSignal, driver_for: DriverFor
) -> None:
    light.refused.add("ShowGreen")
    async with driver_for(show_amber="", amber="") as driver, Collected(driver.readings()) as collected:
        await collected.until(aspect("off"))
        assert await driver.command(order("show", aspect="amber")) == "no_lamp"
        assert await driver.command(order("show", aspect="green")) == "refused"
    assert light.calls == ["ShowGreen"]


async def test_lamps_that_contradict_each_other_go_to_quarantine_once_and_reading_goes_on(
    light: OpcUaSignal, driver_for: DriverFor
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(aspect("off"))
        light.lamps.write(0, [True, False, True])
        await collected.until(lambda item: isinstance(item, Rejected))
        light.lamps.write(0, [False, False, True])
        await collected.until(aspect("green"))
    wrong = [item for item in collected.seen if isinstance(item, Rejected)]
    assert [(item.field, item.rule) for item in wrong] == [
        ("lamps", "at most one lamp lit, not red and green")
    ]


async def test_gone_and_back_are_each_stated_once_and_orders_meanwhile_fail(
    light: OpcUaSignal, driver_for: DriverFor
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(aspect("off"))
        await light.server.cut()
        await collected.until(status_is("offline"))
        assert await driver.command(order("show", aspect="red")) == "unreachable"
        await light.server.mend()
        await collected.until(status_is("online"), 2)
    states = [item.reading.state for item in collected.seen if hasattr(item.reading, "state")]
    assert states == ["online", "offline", "gap", "online"]


async def test_a_server_without_the_nodes_is_a_fault_that_names_them(driver_for: DriverFor) -> None:
    async with driver_for(show_green="i=1") as driver, Collected(driver.readings()) as collected:
        [fault] = await collected.until(status_is("fault"))
    assert fault.reading.reason == "the server has no method show_green at i=1"


async def test_a_server_that_notifies_too_fast_is_read_no_more_often_and_told(
    driver_for: DriverFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opcua, "NOTIFICATIONS_PER_S_MAX", 1)
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        [fault] = await collected.until(status_is("fault"))
    assert fault.reading.reason == opcua.TOO_FAST
