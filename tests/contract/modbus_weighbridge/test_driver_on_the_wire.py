"""The driver against the simulated indicator over real sockets. The devices' clock moves only by hand."""

from collections.abc import AsyncIterator, Callable

import pytest

from devices.drivers.modbus_weighbridge.driver import OWN_BOOT_BASE, ModbusWeighbridgeDriver
from kernel.clock import ManualClock
from kernel.messages import DeviceStatus, MassReading, Rejected
from kernel.rng import Rng
from simulators.protocols.modbus.server import WeighbridgeServer
from tests.contract.wire import Collected, ModbusPeer

SETTLE_S = 1.5
E_G = 20_000


@pytest.fixture
async def bridge(clock: ManualClock, rng: Rng) -> AsyncIterator[WeighbridgeServer]:
    async with WeighbridgeServer(clock, rng, settle_s=SETTLE_S) as server:
        yield server


DriverFor = Callable[[int], ModbusWeighbridgeDriver]


@pytest.fixture
def driver_for(clock: ManualClock) -> DriverFor:
    def make(port: int, boot: int = 4) -> ModbusWeighbridgeDriver:
        return ModbusWeighbridgeDriver("scale", "127.0.0.1", port, clock, boot, poll_ms=10, backoff_s=(0.01,))

    return make


def is_mass(item: object) -> bool:
    return isinstance(getattr(item, "reading", None), MassReading)


def status_is(state: str) -> Callable[[object], bool]:
    def check(item: object) -> bool:
        reading = getattr(item, "reading", None)
        return isinstance(reading, DeviceStatus) and reading.state == state

    return check


def weigh(bridge: WeighbridgeServer, clock: ManualClock, mass_g: int) -> None:
    """Put a load on an empty bridge and let it come to rest."""
    bridge.put(0)
    bridge.put(mass_g, axles=4)
    clock.advance(SETTLE_S)


async def test_a_load_at_rest_is_weighed_once_with_the_indicators_number_and_time(
    bridge: WeighbridgeServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(bridge.port) as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        weigh(bridge, clock, 15_000_000)
        rested_at = clock.now()
        [first] = await collected.until(is_mass)
        clock.advance(60)
        weigh(bridge, clock, 31_000_000)
        masses = await collected.until(is_mass, 2)
    assert len(masses) == 2
    assert (first.observation_id, first.observed_at) == ("scale:1:1", rested_at)
    assert abs(first.reading.mass_g - 15_000_000) <= 2 * E_G
    assert first.reading.axle_count == 4
    assert masses[1].observation_id == "scale:1:2"


async def test_a_moving_load_is_never_a_reading(
    bridge: WeighbridgeServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(bridge.port) as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        for step in range(1, 6):
            bridge.put(step * 3_000_000)
            clock.advance(SETTLE_S / 2)
        bridge.put(0)
        weigh(bridge, clock, 20_000_000)
        masses = await collected.until(is_mass)
    assert [item.reading.weight_id for item in masses] == [1]
    assert abs(masses[0].reading.mass_g - 20_000_000) <= 2 * E_G


async def test_reading_the_same_ticket_after_a_restart_is_the_same_observation(
    bridge: WeighbridgeServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    weigh(bridge, clock, 15_000_000)
    seen = []
    for _ in range(2):
        async with driver_for(bridge.port) as driver, Collected(driver.readings()) as collected:
            seen += await collected.until(is_mass)
    assert seen[0] == seen[1]


async def test_a_lost_line_is_stated_once_and_so_is_its_return(
    bridge: WeighbridgeServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(bridge.port) as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        await bridge.cut()
        await collected.until(status_is("offline"))
        clock.advance(90)
        await bridge.mend()
        [gap] = await collected.until(status_is("gap"))
        await collected.until(status_is("online"), 2)
    states = [item.reading.state for item in collected.seen]
    assert states == ["online", "offline", "gap", "online"]
    assert gap.reading.gap_s == 90
    assert [item.sequence for item in collected.seen] == [1, 2, 3, 4]
    assert {item.boot for item in collected.seen} == {OWN_BOOT_BASE + 4}


async def test_weighings_overwritten_while_the_line_was_cut_are_a_gap(
    bridge: WeighbridgeServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(bridge.port) as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        weigh(bridge, clock, 15_000_000)
        await collected.until(is_mass)
        await bridge.cut()
        for mass_g in (16_000_000, 17_000_000, 18_000_000):
            weigh(bridge, clock, mass_g)
        await bridge.mend()
        await collected.until(is_mass, 2)
    reasons = [item.reading.reason for item in collected.seen if status_is("gap")(item)]
    assert "weighings 2 to 3 were not read" in reasons


async def test_a_restarted_indicator_counts_anew_under_its_next_boot(
    bridge: WeighbridgeServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(bridge.port) as driver, Collected(driver.readings()) as collected:
        weigh(bridge, clock, 15_000_000)
        await collected.until(is_mass)
        bridge.restart()
        weigh(bridge, clock, 16_000_000)
        masses = await collected.until(is_mass, 2)
    assert [item.observation_id for item in masses] == ["scale:1:1", "scale:2:1"]


async def test_malformed_registers_go_to_quarantine_once_and_polling_goes_on(
    driver_for: DriverFor,
) -> None:
    read = bytes.fromhex("03 0000 000D")
    bad = [0, 0, 1, 0, 1, 0, 100, 0, 5, 1000, 0, 1, 0]
    good = [*bad[:9], 999, *bad[10:]]
    async with (
        ModbusPeer({read: _answer(bad)}) as peer,
        driver_for(peer.port) as driver,
        Collected(driver.readings()) as collected,
    ):
        [rejected] = await collected.until(lambda item: isinstance(item, Rejected))
        polls = len(peer.requests)
        peer.answers[read] = _answer(good)
        await collected.until(is_mass)
    assert polls >= 1
    assert (rejected.field, rejected.rule) == ("register 9", "0 to 999 ms")
    assert rejected.raw == _answer(bad)[2:]
    assert sum(isinstance(item, Rejected) for item in collected.seen) == 1


async def test_a_device_that_refuses_the_map_is_a_fault_stated_once(driver_for: DriverFor) -> None:
    async with (
        ModbusPeer({}) as peer,
        driver_for(peer.port) as driver,
        Collected(driver.readings()) as collected,
    ):
        [fault] = await collected.until(status_is("fault"))
    assert fault.reading.reason == "the device refused the request with code 2"


def _answer(words: list[int]) -> bytes:
    return bytes([3, 2 * len(words)]) + b"".join(word.to_bytes(2, "big") for word in words)
