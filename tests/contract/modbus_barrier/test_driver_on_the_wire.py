"""The driver against the simulated barrier over real sockets. The barrier's clock moves only by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from devices.drivers.modbus_barrier.driver import ModbusBarrierDriver
from devices.transport.watching import REPEAT_S
from kernel.clock import ManualClock
from kernel.messages import BarrierState
from simulators.protocols.modbus.server import BarrierServer
from tests.contract.orders import order
from tests.contract.wire import WITHIN_S, Collected

TRAVEL_S = 1.5
SHUT = BarrierState(is_open=False, is_closed=True, loop_occupied=False)
OPEN = BarrierState(is_open=True, is_closed=False, loop_occupied=False)
UNDERWAY = BarrierState(is_open=False, is_closed=False, loop_occupied=False)


@pytest.fixture
async def barrier(clock: ManualClock) -> AsyncIterator[BarrierServer]:
    async with BarrierServer(clock, travel_s=TRAVEL_S) as server:
        yield server


@pytest.fixture
async def driver(barrier: BarrierServer, clock: ManualClock) -> AsyncIterator[ModbusBarrierDriver]:
    async with ModbusBarrierDriver(
        "boom",
        "127.0.0.1",
        barrier.port,
        clock,
        3,
        poll_ms=10,
        feedback_s=WITHIN_S,
        loop_free_s=WITHIN_S,
        backoff_s=(0.01,),
    ) as made:
        yield made


@pytest.fixture
async def readings(driver: ModbusBarrierDriver) -> AsyncIterator[Collected]:
    async with Collected(driver.readings()) as collected:
        await collected.until(shows(SHUT))
        yield collected


def shows(state: BarrierState) -> Callable[[object], bool]:
    return lambda item: getattr(item, "reading", None) == state


async def until_ordered(barrier: BarrierServer, count: int) -> None:
    """Wait until the barrier has taken so many orders; the boom moves when the clock does."""
    async with asyncio.timeout(WITHIN_S):
        while len(barrier.orders) < count:
            await asyncio.sleep(0.005)


async def test_an_order_to_open_ends_when_the_boom_is_up(
    barrier: BarrierServer, driver: ModbusBarrierDriver, readings: Collected, clock: ManualClock
) -> None:
    opening = asyncio.create_task(driver.command(order("open")))
    await until_ordered(barrier, 1)
    clock.advance(TRAVEL_S / 2)
    await readings.until(shows(UNDERWAY))
    assert not opening.done()
    clock.advance(TRAVEL_S / 2)
    assert await opening is None
    await readings.until(shows(OPEN))
    assert [item.sequence for item in readings.seen] == list(range(1, len(readings.seen) + 1))
    assert {item.boot for item in readings.seen} == {3}


async def test_the_boom_is_never_closed_on_a_vehicle(
    barrier: BarrierServer, driver: ModbusBarrierDriver, readings: Collected, clock: ManualClock
) -> None:
    opening = asyncio.create_task(driver.command(order("open")))
    await until_ordered(barrier, 1)
    clock.advance(TRAVEL_S)
    assert await opening is None
    barrier.vehicle_over_loop(True)
    await readings.until(lambda item: getattr(item.reading, "loop_occupied", False))
    closing = asyncio.create_task(driver.command(order("close")))
    clock.advance(5)
    barrier.vehicle_over_loop(False)
    await until_ordered(barrier, 2)
    clock.advance(TRAVEL_S)
    assert await closing is None
    assert barrier.orders == [True, False]
    assert barrier.is_closed


async def test_a_vehicle_that_stays_makes_closing_fail_and_nothing_is_written(
    barrier: BarrierServer, clock: ManualClock
) -> None:
    barrier.vehicle_over_loop(True)
    async with (
        ModbusBarrierDriver(
            "boom", "127.0.0.1", barrier.port, clock, 1, poll_ms=10, loop_free_s=0.1
        ) as driver,
        Collected(driver.readings()) as readings,
    ):
        await readings.until(lambda item: getattr(item.reading, "loop_occupied", False))
        assert await driver.command(order("close")) == "loop_occupied"
    assert barrier.orders == []


async def test_a_boom_that_does_not_move_is_a_failed_order(
    barrier: BarrierServer, clock: ManualClock
) -> None:
    barrier.boom.is_stuck = True
    async with (
        ModbusBarrierDriver(
            "boom", "127.0.0.1", barrier.port, clock, 1, poll_ms=10, feedback_s=0.1
        ) as driver,
        Collected(driver.readings()) as readings,
    ):
        await readings.until(shows(SHUT))
        assert await driver.command(order("open")) == "feedback"
    assert barrier.orders == [True]


async def test_an_order_to_a_barrier_that_is_away_says_so(
    barrier: BarrierServer, driver: ModbusBarrierDriver, readings: Collected
) -> None:
    await barrier.cut()
    await readings.until(lambda item: getattr(item.reading, "state", "") == "offline")
    assert await driver.command(order("open")) == "unreachable"


async def test_an_unchanged_state_is_told_again_after_a_while_and_not_before(
    barrier: BarrierServer, readings: Collected, clock: ManualClock
) -> None:
    clock.advance(REPEAT_S - 1)
    barrier.vehicle_over_loop(True)
    await readings.until(lambda item: getattr(item.reading, "loop_occupied", False))
    assert len([item for item in readings.seen if shows(SHUT)(item)]) == 1
    clock.advance(REPEAT_S)
    await readings.until(lambda item: getattr(item.reading, "loop_occupied", False), 2)
