"""The driver of Toledo's continuous output against the fake scale, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from devices.drivers.toledo_continuous import driver as module
from devices.drivers.toledo_continuous.codec import POWER_UP
from devices.drivers.toledo_continuous.driver import TOO_FAST, ToledoContinuousDriver
from kernel.clock import ManualClock
from kernel.messages import MassReading, Rejected
from kernel.rng import Rng
from simulators.protocols.loadcell import TaredScale
from simulators.protocols.toledo_continuous.server import ToledoServer
from tests.contract.scales import emptied, faults, is_mass, masses, readings, status_is
from tests.contract.wire import Collected, eventually, ticking

PALLET_G = 812_500
DriverFor = Callable[..., ToledoContinuousDriver]


@pytest.fixture
def driver_for(clock: ManualClock) -> DriverFor:
    def make(port: int, boot: int = 4, **settings: Any) -> ToledoContinuousDriver:
        given = {"settle_s": 0.5, "backoff_s": (0.01,)}
        return ToledoContinuousDriver("scale", "127.0.0.1", port, clock, boot, **(given | settings))

    return make


@pytest.fixture
async def floor(clock: ManualClock, rng: Rng) -> AsyncIterator[ToledoServer]:
    async with ToledoServer(clock, TaredScale(rng)) as server:
        yield server


@pytest.mark.parametrize("has_checksum", [True, False])
async def test_each_load_at_rest_is_weighed_once(
    driver_for: DriverFor, clock: ManualClock, rng: Rng, has_checksum: bool
) -> None:
    async with (
        ToledoServer(clock, TaredScale(rng), has_checksum=has_checksum) as floor,
        driver_for(floor.port, has_checksum=has_checksum) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        for count, mass_g in enumerate((PALLET_G, PALLET_G, 420_000), start=1):
            floor.put(mass_g)
            await collected.until(is_mass, count)
            floor.put(0)
            await emptied(driver)
    assert masses(collected) == [PALLET_G, PALLET_G, 420_000]
    assert [item.observation_id for item in collected.seen] == [f"scale:4:{n}" for n in (1, 2, 3, 4)]


async def test_a_load_that_never_rests_is_never_weighed(
    floor: ToledoServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        for step in range(1, 30):
            floor.put(step * 25_000)
            driver.live = None
            await eventually(lambda: driver.live is not None)
        floor.put(PALLET_G)
        await collected.until(is_mass)
    assert masses(collected) == [PALLET_G]


async def test_net_is_told_with_its_tare_and_taring_is_no_second_load(
    floor: ToledoServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        floor.put(25_000)
        await collected.until(is_mass)
        assert floor.scale.tare(clock.now())
        await eventually(lambda: driver.live is not None and driver.live.basis == "net")
        floor.put(PALLET_G)
        await collected.until(is_mass, 2)
    assert readings(collected) == [
        MassReading(mass_g=25_000, weight_id=2),
        MassReading(mass_g=PALLET_G - 25_000, weight_id=3, basis="net", tare_g=25_000),
    ]


async def test_pounds_become_grams(driver_for: DriverFor, clock: ManualClock, rng: Rng) -> None:
    async with (
        ToledoServer(clock, TaredScale(rng), unit="lb") as floor,
        driver_for(floor.port) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        floor.put(PALLET_G)
        await collected.until(is_mass)
    assert masses(collected) == [812_520]


async def test_out_of_range_is_a_fault_by_its_sign_and_never_a_weight(
    floor: ToledoServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        floor.put(3_500_000)
        await collected.until(status_is("fault"))
        floor.put(-20_000)
        await collected.until(status_is("fault"), 2)
        floor.put(PALLET_G)
        await collected.until(is_mass)
    assert faults(collected) == ["overload", "under zero"]
    assert masses(collected) == [PALLET_G]


async def test_a_scale_that_was_not_zeroed_since_power_up_weighs_nothing(
    floor: ToledoServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    floor.is_zeroed = False
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        floor.put(PALLET_G)
        await collected.until(status_is("fault", POWER_UP))
        floor.put(0)
        await floor.cut()
        floor.is_zeroed = True
        await floor.mend()
        await emptied(driver)
        floor.put(420_000)
        await collected.until(is_mass)
    assert masses(collected) == [420_000]


async def test_a_garbled_frame_is_set_aside_and_listening_goes_on(
    floor: ToledoServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        floor.spoil = lambda frame: frame[:5] + b"9" + frame[6:]
        await collected.until(lambda item: isinstance(item, Rejected))
        floor.spoil = bytes
        floor.put(PALLET_G)
        await collected.until(is_mass)
    rejected = [item for item in collected.seen if isinstance(item, Rejected)]
    assert [one.field for one in rejected] == ["checksum"]
    assert rejected[0].rule.endswith("at offset 17")
    assert floor.connection_count == 1


async def test_a_lost_line_is_stated_once_and_so_is_its_return(
    floor: ToledoServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        await floor.cut()
        await collected.until(status_is("offline"))
        clock.advance(90)
        await floor.mend()
        [gap] = await collected.until(status_is("gap"))
        await collected.until(status_is("online"), 2)
    assert [item.reading.state for item in collected.seen] == ["online", "offline", "gap", "online"]
    assert gap.reading.gap_s >= 90


async def test_a_line_that_goes_silent_is_lost(
    floor: ToledoServer, driver_for: DriverFor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_S_MAX", 0.2)
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        floor.spoil = lambda _: b""
        [offline] = await collected.until(status_is("offline"))
    assert offline.reading.reason == "nothing was heard in time"


async def test_what_waited_while_nothing_could_be_taken_is_stale_and_not_read(
    floor: ToledoServer, driver_for: DriverFor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_S_MAX", 0.2)
    async with driver_for(floor.port) as driver, ticking(clock):
        items = driver.readings()
        assert (await anext(items)).reading.state == "online"
        loop = asyncio.get_running_loop()
        busy_until_s = loop.time() + 0.4
        await eventually(lambda: loop.time() > busy_until_s)
        said = await anext(items)
    assert said.reading.state == "offline"
    assert "stale" in said.reading.reason


async def test_a_scale_that_sends_too_fast_is_limited_and_told_once(
    floor: ToledoServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    floor.spoil = lambda frame: frame * 30
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("fault", TOO_FAST))
        begun = clock.now()
        await eventually(lambda: (clock.now() - begun).total_seconds() > 5)
        floor.spoil = bytes
        await collected.until(status_is("online"), 2)
    assert [item.reading.state for item in collected.seen] == ["online", "fault", "online"]


async def test_a_line_that_carries_only_noise_is_lost(
    floor: ToledoServer, driver_for: DriverFor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_S_MAX", 0.2)
    floor.spoil = lambda frame: b"\xff" * len(frame)
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        [offline] = await collected.until(status_is("offline"))
    assert offline.reading.reason == "no whole frame was heard in time"
