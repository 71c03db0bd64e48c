"""The driver against the simulated signal over real sockets."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from devices.drivers.modbus_signal.driver import ModbusSignalDriver
from devices.transport.watching import REPEAT_S
from kernel.clock import ManualClock
from kernel.messages import Rejected
from simulators.protocols.modbus_signal.server import SignalServer
from tests.contract.gates import aspect
from tests.contract.orders import order
from tests.contract.scales import status_is
from tests.contract.wire import WITHIN_S, Collected

DriverFor = Callable[..., ModbusSignalDriver]


@pytest.fixture
async def light() -> AsyncIterator[SignalServer]:
    async with SignalServer() as server:
        yield server


@pytest.fixture
def driver_for(light: SignalServer, clock: ManualClock) -> DriverFor:
    def make(**settings: Any) -> ModbusSignalDriver:
        given = {"poll_ms": 10, "feedback_s": WITHIN_S, "backoff_s": (0.01,)}
        return ModbusSignalDriver("light", "127.0.0.1", light.port, clock, 3, **(given | settings))

    return make


@pytest.mark.parametrize("feedback", ["coils", "inputs"])
async def test_an_order_ends_when_the_lamps_show_the_aspect(
    light: SignalServer, driver_for: DriverFor, feedback: str
) -> None:
    async with driver_for(feedback=feedback) as driver, Collected(driver.readings()) as collected:
        await collected.until(aspect("off"))
        for wanted in ("red", "green", "off"):
            assert await driver.command(order("show", aspect=wanted)) is None
        await collected.until(aspect("off"), 2)
    assert light.writes == [[True, False], [False, True], [False, False]]
    assert [item.sequence for item in collected.seen] == list(range(1, len(collected.seen) + 1))
    assert {item.boot for item in collected.seen} == {3}


async def test_a_broken_lamp_is_a_failed_order_where_its_current_is_sensed(
    light: SignalServer, driver_for: DriverFor
) -> None:
    light.lamps.broken.add(0)
    async with (
        driver_for(feedback="inputs", feedback_s=0.1) as driver,
        Collected(driver.readings()) as collected,
    ):
        await collected.until(aspect("off"))
        assert await driver.command(order("show", aspect="red")) == "feedback"


async def test_an_aspect_without_a_lamp_fails_and_nothing_is_written(
    light: SignalServer, driver_for: DriverFor
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(aspect("off"))
        assert await driver.command(order("show", aspect="amber")) == "no_lamp"
    assert light.writes == []


async def test_lamps_that_contradict_each_other_go_to_quarantine_once_and_watching_goes_on(
    light: SignalServer, driver_for: DriverFor
) -> None:
    light.lamps.write(0, [True, True])
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        [rejected] = await collected.until(lambda item: isinstance(item, Rejected))
        assert await driver.command(order("show", aspect="red")) is None
        await collected.until(aspect("red"))
    assert (rejected.field, rejected.rule) == ("lamps", "at most one lamp lit, not red and green")
    assert rejected.raw == b"\x03"
    assert sum(isinstance(item, Rejected) for item in collected.seen) == 1


async def test_gone_and_back_are_each_stated_once(light: SignalServer, driver_for: DriverFor) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(aspect("off"))
        await light.cut()
        await collected.until(status_is("offline"))
        assert await driver.command(order("show", aspect="red")) == "unreachable"
        await light.mend()
        await collected.until(status_is("online"), 2)
    states = [item.reading.state for item in collected.seen if hasattr(item.reading, "state")]
    assert states == ["online", "offline", "gap", "online"]


async def test_an_unchanged_aspect_is_told_again_after_a_while(
    light: SignalServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(aspect("off"))
        clock.advance(REPEAT_S - 1)
        assert await driver.command(order("show", aspect="red")) is None
        await collected.until(aspect("red"))
        assert len([item for item in collected.seen if aspect("off")(item)]) == 1
        clock.advance(REPEAT_S)
        await collected.until(aspect("red"), 2)
