"""The driver against the simulated barrier over real sockets. The barrier's clock moves only by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from asyncua import ua

from devices.drivers.opcua_barrier.driver import OpcUaBarrierDriver
from devices.transport import opcua
from devices.transport.watching import REPEAT_S
from kernel.clock import ManualClock
from kernel.messages import Rejected
from simulators.protocols.opcua import OpcUaServer
from simulators.protocols.opcua_barrier.server import NAMESPACE, OpcUaBarrier
from tests.contract.gates import OPEN, SHUT, UNDERWAY, is_occupied, shows
from tests.contract.orders import order
from tests.contract.scales import status_is
from tests.contract.wire import WITHIN_S, Collected, eventually

TRAVEL_S = 1.5
DriverFor = Callable[..., OpcUaBarrierDriver]


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[OpcUaServer]:
    async with OpcUaServer(NAMESPACE) as made:
        yield made


@pytest.fixture
async def barrier(
    request: pytest.FixtureRequest, server: OpcUaServer, clock: ManualClock
) -> AsyncIterator[OpcUaBarrier]:
    async with OpcUaBarrier(server, clock, request.node.name, travel_s=TRAVEL_S) as made:
        yield made


@pytest.fixture
def driver_for(barrier: OpcUaBarrier, clock: ManualClock) -> DriverFor:
    def make(**settings: Any) -> OpcUaBarrierDriver:
        given: dict[str, Any] = {
            "path": barrier.server.path,
            "barrier": barrier.node(),
            "open": barrier.node("Open"),
            "close": barrier.node("Close"),
            "is_open": barrier.node("IsOpen"),
            "is_closed": barrier.node("IsClosed"),
            "loop": barrier.node("Loop"),
            "poll_ms": 100,
            "feedback_s": WITHIN_S,
            "loop_free_s": WITHIN_S,
            "backoff_s": (0.05,),
        }
        return OpcUaBarrierDriver(
            "boom", barrier.server.host, barrier.server.port, clock, 3, **(given | settings)
        )

    return make


async def test_an_order_to_open_ends_when_the_boom_is_up(
    barrier: OpcUaBarrier, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(shows(SHUT))
        opening = asyncio.create_task(driver.command(order("open")))
        await eventually(lambda: barrier.calls == ["Open"])
        clock.advance(TRAVEL_S / 2)
        await collected.until(shows(UNDERWAY))
        assert not opening.done()
        clock.advance(TRAVEL_S / 2)
        assert await opening is None
        await collected.until(shows(OPEN))
    assert [item.sequence for item in collected.seen] == list(range(1, len(collected.seen) + 1))
    assert {item.boot for item in collected.seen} == {3}


async def test_the_boom_is_closed_once_the_vehicle_has_left(
    barrier: OpcUaBarrier, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(shows(SHUT))
        opening = asyncio.create_task(driver.command(order("open")))
        await eventually(lambda: barrier.calls == ["Open"])
        clock.advance(TRAVEL_S)
        assert await opening is None
        barrier.vehicle_over_loop(True)
        await collected.until(is_occupied)
        closing = asyncio.create_task(driver.command(order("close")))
        clock.advance(5)
        barrier.vehicle_over_loop(False)
        await eventually(lambda: barrier.calls == ["Open", "Close"])
        clock.advance(TRAVEL_S)
        assert await closing is None
    assert barrier.is_closed


async def test_a_vehicle_that_stays_makes_closing_fail_and_nothing_is_called(
    barrier: OpcUaBarrier, driver_for: DriverFor
) -> None:
    barrier.vehicle_over_loop(True)
    async with driver_for(loop_free_s=0.1) as driver, Collected(driver.readings()) as collected:
        await collected.until(is_occupied)
        assert await driver.command(order("close")) == "loop_occupied"
    assert barrier.calls == []


async def test_an_order_that_waited_past_its_time_for_the_vehicle_is_void(
    barrier: OpcUaBarrier, driver_for: DriverFor, clock: ManualClock
) -> None:
    barrier.vehicle_over_loop(True)
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(is_occupied)
        until = clock.now() + timedelta(seconds=30)
        closing = asyncio.create_task(driver.command(order("close", valid_until=until)))
        clock.advance(31)
        barrier.vehicle_over_loop(False)
        assert await closing == "expired"
    assert barrier.calls == []


async def test_a_boom_that_does_not_move_is_a_failed_order(
    barrier: OpcUaBarrier, driver_for: DriverFor
) -> None:
    barrier.boom.is_stuck = True
    async with driver_for(feedback_s=0.1) as driver, Collected(driver.readings()) as collected:
        await collected.until(shows(SHUT))
        assert await driver.command(order("open")) == "feedback"
    assert barrier.calls == ["Open"]


async def test_a_method_that_answers_with_a_bad_status_is_a_refusal(
    barrier: OpcUaBarrier, driver_for: DriverFor
) -> None:
    barrier.refused.add("Open")
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(shows(SHUT))
        assert await driver.command(order("open")) == "refused"


async def test_gone_and_back_are_each_stated_once_and_orders_meanwhile_fail(
    barrier: OpcUaBarrier, driver_for: DriverFor
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(shows(SHUT))
        await barrier.server.cut()
        await collected.until(status_is("offline"))
        assert await driver.command(order("open")) == "unreachable"
        await barrier.server.mend()
        await collected.until(status_is("online"), 2)
    states = [item.reading.state for item in collected.seen if hasattr(item.reading, "state")]
    assert states == ["online", "offline", "gap", "online"]


async def test_switches_that_contradict_each_other_go_to_quarantine_once_and_reading_goes_on(
    barrier: OpcUaBarrier, driver_for: DriverFor
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(shows(SHUT))
        barrier.contradicts = True
        await collected.until(lambda item: isinstance(item, Rejected))
        barrier.contradicts = False
        await collected.until(shows(SHUT), 2)
    [rejected] = [item for item in collected.seen if isinstance(item, Rejected)]
    assert (rejected.field, rejected.rule) == ("is_closed", "not open and closed at once")
    assert rejected.raw == b'{"is_open":true,"is_closed":true,"loop":false}'


async def test_a_value_that_the_server_does_not_vouch_for_is_no_state(
    barrier: OpcUaBarrier, driver_for: DriverFor
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(shows(SHUT))
        bad = ua.StatusCode(ua.UInt32(ua.status_codes.StatusCodes.BadSensorFailure))
        await barrier.variables["Loop"].write_value(ua.DataValue(ua.Variant(False), StatusCode=bad))
        [rejected] = await collected.until(lambda item: isinstance(item, Rejected))
    assert rejected.field == "loop"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"open": "ns=2;s=Nothing"}, "no method open at ns=2;s=Nothing"),
        ({"close": "i=2253"}, "no method close at i=2253"),
        ({"loop": "ns=2;s=Nothing"}, "no loop at ns=2;s=Nothing"),
        ({"barrier": "nsu=http://other.example/;i=1"}, "no namespace http://other.example/"),
    ],
)
async def test_a_server_without_the_nodes_is_a_fault_that_names_them(
    driver_for: DriverFor, wrong: dict[str, str], named: str
) -> None:
    async with driver_for(**wrong) as driver, Collected(driver.readings()) as collected:
        [fault] = await collected.until(status_is("fault"))
    assert fault.reading.reason == f"the server has {named}"


async def test_a_server_that_notifies_too_fast_is_read_no_more_often_and_told(
    driver_for: DriverFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opcua, "NOTIFICATIONS_PER_S_MAX", 1)
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        [fault] = await collected.until(status_is("fault"))
    assert fault.reading.reason == opcua.TOO_FAST


async def test_an_unchanged_state_is_told_again_after_a_while_and_not_before(
    barrier: OpcUaBarrier, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(shows(SHUT))
        clock.advance(REPEAT_S - 1)
        barrier.vehicle_over_loop(True)
        await collected.until(is_occupied)
        assert len([item for item in collected.seen if shows(SHUT)(item)]) == 1
        clock.advance(REPEAT_S)
        await collected.until(is_occupied, 2)
