"""Indicators that number nothing, over real sockets: the driver finds the loads at rest and numbers them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from devices.drivers.modbus_weighbridge.driver import OWN_BOOT_BASE, ModbusWeighbridgeDriver
from devices.transport.modbus import ModbusLink
from devices.transport.tcp import LinkLost
from kernel.clock import ManualClock
from kernel.messages import MassReading, Rejected
from kernel.rng import Rng
from simulators.protocols.loadcell import TaredScale
from simulators.protocols.modbus.server import ConverterServer
from tests.contract.modbus_weighbridge.test_driver_on_the_wire import is_mass, status_is
from tests.contract.modbus_weighbridge.test_golden_frames import SENECA, seneca_words
from tests.contract.wire import Collected, ModbusPeer, crc16, eventually, ticking

PALLET_G = 812_500
READ_SENECA = bytes.fromhex("03 0002 004C")
DriverFor = Callable[..., ModbusWeighbridgeDriver]


@pytest.fixture
def driver_for(clock: ManualClock) -> DriverFor:
    def make(port: int, boot: int = 4, **settings: Any) -> ModbusWeighbridgeDriver:
        given = {"profile": "seneca-z-sg2-swapped", "poll_ms": 10, "backoff_s": (0.01,)}
        given |= {"settle_s": 0.5, "capture_min_g": 10_000, "change_g": 2_000}
        return ModbusWeighbridgeDriver("scale", "127.0.0.1", port, clock, boot, **(given | settings))

    return make


@pytest.fixture
async def floor(clock: ManualClock, rng: Rng) -> AsyncIterator[ConverterServer]:
    async with ConverterServer(clock, [TaredScale(rng)], low_word_first=True) as server:
        yield server


def masses(collected: Collected) -> list[int]:
    return [item.reading.mass_g for item in collected.seen if is_mass(item)]


async def test_each_load_at_rest_is_weighed_once_and_numbered_by_the_driver(
    floor: ConverterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        for count, mass_g in enumerate((PALLET_G, PALLET_G, 420_000), start=1):
            floor.put(mass_g)
            await collected.until(is_mass, count)
            floor.put(0)
            await eventually(lambda: driver.live is not None and driver.live.shown.mass_g < 10_000)
    first, second, third = (item for item in collected.seen if is_mass(item))
    assert masses(collected) == [PALLET_G, PALLET_G, 420_000]
    assert [item.observation_id for item in (first, second, third)] == [
        f"scale:{OWN_BOOT_BASE + 4}:{number}" for number in (2, 3, 4)
    ]
    assert first.reading == MassReading(mass_g=PALLET_G, weight_id=2)
    assert first.observed_at < second.observed_at < third.observed_at


async def test_a_load_that_never_rests_is_never_weighed(
    floor: ConverterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        for step in range(1, 20):
            floor.put(step * 40_000)
            driver.live = None
            await eventually(lambda: driver.live is not None)
        floor.put(PALLET_G)
        await collected.until(is_mass)
    assert masses(collected) == [PALLET_G]


async def test_gross_is_reported_beside_the_tare_and_taring_is_no_second_load(
    floor: ConverterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    scale = floor.converters[0].scale
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        floor.put(25_000)
        await collected.until(is_mass)
        assert scale.tare(clock.now())
        floor.put(PALLET_G)
        await collected.until(is_mass, 2)
    readings = [item.reading for item in collected.seen if is_mass(item)]
    assert [(one.mass_g, one.basis, one.tare_g) for one in readings] == [
        (25_000, "gross", 0),
        (PALLET_G, "gross", 25_000),
    ]


async def test_an_overload_is_stated_once_and_so_is_its_end(
    floor: ConverterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        floor.put(3_500_000)
        [fault] = await collected.until(status_is("fault"))
        floor.put(PALLET_G)
        await collected.until(status_is("online"), 2)
        await collected.until(is_mass)
    assert fault.reading.reason == "overload"
    assert masses(collected) == [PALLET_G]


async def test_a_load_that_stood_there_at_the_start_is_told_and_not_weighed_again(
    floor: ConverterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    floor.put(PALLET_G)
    clock.advance(5)
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        [gap] = await collected.until(status_is("gap"))
        floor.put(0)
        await eventually(lambda: driver.live is not None and driver.live.shown.mass_g < 10_000)
        floor.put(300_000)
        await collected.until(is_mass)
    assert (
        gap.reading.reason == f"{PALLET_G} g stood on the scale when it was first read; they are not weighed"
    )
    assert masses(collected) == [300_000]


async def test_a_load_stays_the_same_load_while_the_line_is_cut(
    floor: ConverterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        floor.put(PALLET_G)
        await collected.until(is_mass)
        await floor.cut()
        await collected.until(status_is("offline"))
        await floor.mend()
        await collected.until(status_is("online"), 2)
        floor.put(PALLET_G + 100_000)
        await collected.until(is_mass, 2)
    assert masses(collected) == [PALLET_G, PALLET_G + 100_000]


async def test_a_number_that_is_none_goes_to_quarantine_and_polling_goes_on(driver_for: DriverFor) -> None:
    good = SENECA["seneca-z-sg2-swapped"]
    bad = _answer(seneca_words(good | {40067: 0x7FC0}))
    async with (
        ModbusPeer({READ_SENECA: bad}) as peer,
        driver_for(peer.port, settle_s=0) as driver,
        Collected(driver.readings()) as collected,
    ):
        [rejected] = await collected.until(lambda item: isinstance(item, Rejected))
        peer.answers[READ_SENECA] = _answer(seneca_words(good | {40066: 0, 40067: 0}))
        await eventually(lambda: driver.live is not None)
        peer.answers[READ_SENECA] = _answer(seneca_words(good))
        await collected.until(is_mass)
    assert (rejected.field, rejected.rule) == ("register 65", "a number, at most 200 t")
    assert rejected.raw == bad[2:]
    assert masses(collected) == [PALLET_G]


# --- serial frames inside TCP ---------------------------------------------------------------------


def test_the_check_of_a_serial_frame_is_that_of_the_specification() -> None:
    # MODBUS over Serial Line V1.02, appendix B: the CRC of 02 07 is 1241, sent low byte first.
    assert crc16(bytes.fromhex("02 07")) == bytes.fromhex("41 12")


async def test_serial_frames_inside_tcp_are_spoken_as_the_specification_has_them() -> None:
    async with (
        ModbusPeer({bytes.fromhex("03 006B 0003"): bytes.fromhex("03 06 022B 0000 0064")}, rtu=True) as peer,
        ModbusLink("127.0.0.1", peer.port, unit=17, framing="rtu") as link,
    ):
        assert await link.holding_registers(0x6B, 3) == [555, 0, 100]
    assert peer.units == [17]


async def test_a_serial_frame_with_a_wrong_check_counts_as_no_answer() -> None:
    async with (
        ModbusPeer({bytes.fromhex("03 006B 0003"): bytes.fromhex("03 06 022B 0000 0064")}, rtu=True) as peer,
        ModbusLink("127.0.0.1", peer.port, framing="rtu", request_s_max=0.2) as link,
    ):
        peer.spoil = lambda frame: frame[:-1] + bytes([frame[-1] ^ 1])
        with pytest.raises(LinkLost):
            await link.holding_registers(0x6B, 3)
        peer.spoil = bytes
        assert await link.holding_registers(0x6B, 3) == [555, 0, 100]


async def test_units_of_a_bus_share_one_connection_and_are_told_apart(
    driver_for: DriverFor, clock: ManualClock, rng: Rng
) -> None:
    scales = [TaredScale(rng.child(name)) for name in "ab"]
    async with AsyncExitStack() as stack:
        server = ConverterServer(clock, scales, framing="rtu", low_word_first=True)
        await stack.enter_async_context(server)
        both = []
        for unit in (1, 2):
            driver = driver_for(server.port, unit=unit, framing="rtu")
            await stack.enter_async_context(driver)
            both.append(await stack.enter_async_context(Collected(driver.readings())))
        await stack.enter_async_context(ticking(clock))
        for collected in both:
            await collected.until(status_is("online"))
        server.put(100_000, unit=1)
        server.put(200_000, unit=2)
        for collected in both:
            await collected.until(is_mass)
    assert [masses(collected) for collected in both] == [[100_000], [200_000]]


async def test_links_to_one_address_share_its_connection() -> None:
    async with (
        ModbusPeer({bytes.fromhex("03 006B 0003"): bytes.fromhex("03 06 022B 0000 0064")}) as peer,
        ModbusLink("127.0.0.1", peer.port, unit=1) as one,
    ):
        async with ModbusLink("127.0.0.1", peer.port, unit=2) as other:
            for link in (one, other, one):
                await link.holding_registers(0x6B, 3)
        await one.holding_registers(0x6B, 3)
    assert (peer.units, peer.connection_count) == ([1, 2, 1, 1], 1)


def _answer(words: list[int]) -> bytes:
    return bytes([3, 2 * len(words)]) + b"".join(word.to_bytes(2, "big") for word in words)
