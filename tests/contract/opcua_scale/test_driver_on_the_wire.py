"""The driver of the weighing model against the fake scale, over real sockets."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from devices.drivers.opcua_scale import driver as module
from devices.drivers.opcua_scale.driver import OpcUaScaleDriver
from kernel.clock import ManualClock
from kernel.messages import CONTENT_BOOT_BASE, MassReading, Rejected
from kernel.rng import Rng
from simulators.protocols.loadcell import TaredScale
from simulators.protocols.opcua import OpcUaServer
from simulators.protocols.opcua_scale.frames import NAMESPACE as SCALES
from simulators.protocols.opcua_scale.server import OpcUaScale
from tests.contract.scales import emptied, faults, is_mass, masses, readings, status_is
from tests.contract.wire import Collected, eventually, ticking

PALLET_G = 812_500
DriverFor = Callable[..., OpcUaScaleDriver]


@pytest.fixture
def driver_for(clock: ManualClock) -> DriverFor:
    def make(of: OpcUaScale, boot: int = 4, **settings: Any) -> OpcUaScaleDriver:
        server = of.server
        given = {"path": server.path, "scale": of.name, "poll_ms": 100, "settle_s": 0.5}
        given |= {"backoff_s": (0.05,)}
        return OpcUaScaleDriver("scale", server.host, server.port, clock, boot, **(given | settings))

    return make


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[OpcUaServer]:
    async with OpcUaServer(SCALES) as server:
        yield server


@pytest.fixture
async def registering(
    request: pytest.FixtureRequest, server: OpcUaServer, clock: ManualClock, rng: Rng
) -> AsyncIterator[OpcUaScale]:
    async with OpcUaScale(server, clock, TaredScale(rng), name=request.node.name) as scale:
        yield scale


@pytest.fixture
async def showing(
    request: pytest.FixtureRequest, server: OpcUaServer, clock: ManualClock, rng: Rng
) -> AsyncIterator[OpcUaScale]:
    name = request.node.name
    async with OpcUaScale(server, clock, TaredScale(rng), name=name, registers=False) as scale:
        yield scale


async def registered(scale: OpcUaScale, mass_g: int) -> None:
    """Weigh a load and press the key once it is at rest."""
    scale.put(mass_g)
    await eventually(scale.register)


async def test_each_registered_weight_is_one_weighing_under_its_own_id_and_time(
    registering: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with (
        driver_for(registering) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        times = []
        for count, mass_g in enumerate((25_000, PALLET_G), start=1):
            await registered(registering, mass_g)
            assert registering.registrar.registered is not None
            times.append(registering.registrar.registered.at)
            await collected.until(is_mass, count)
    first, second = (item for item in collected.seen if is_mass(item))
    assert [one.reading for one in (first, second)] == [
        MassReading(mass_g=25_000, weight_id=1, legal_for_trade=True, alibi_id="000001"),
        MassReading(mass_g=PALLET_G, weight_id=2, legal_for_trade=True, alibi_id="000002"),
    ]
    assert [one.observed_at for one in (first, second)] == times
    assert first.boot >= CONTENT_BOOT_BASE


async def test_reading_the_same_record_after_a_restart_is_the_same_observation(
    registering: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    seen = []
    async with ticking(clock):
        await registered(registering, PALLET_G)
        for boot in (4, 5):
            async with driver_for(registering, boot) as driver, Collected(driver.readings()) as collected:
                seen += await collected.until(is_mass)
    assert seen[0] == seen[1]


async def test_records_passed_over_while_the_line_was_cut_are_a_gap(
    registering: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with (
        driver_for(registering) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        await registered(registering, 25_000)
        await collected.until(is_mass)
        await registering.server.cut()
        await collected.until(status_is("offline"))
        for mass_g in (100_000, 200_000, 300_000):
            await registered(registering, mass_g)
        await registering.server.mend()
        await collected.until(is_mass, 2)
        await collected.until(status_is("gap", "weighings 2 to 3 were not read"))
    assert masses(collected) == [25_000, 300_000]


async def test_a_load_at_rest_that_nobody_registers_is_weighed_once_by_the_driver(
    showing: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(showing) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        for count, mass_g in enumerate((PALLET_G, PALLET_G), start=1):
            showing.put(mass_g)
            await collected.until(is_mass, count)
            showing.put(0)
            await emptied(driver)
    assert masses(collected) == [PALLET_G, PALLET_G]
    assert [item.observation_id for item in collected.seen] == [f"scale:4:{n}" for n in (1, 2, 3)]


async def test_a_load_that_never_rests_is_never_weighed(
    showing: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(showing) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        for step in range(1, 15):
            showing.put(step * 50_000)
            begun = clock.now()
            await eventually(lambda begun=begun: (clock.now() - begun).total_seconds() > 0.6)
        showing.put(PALLET_G)
        await collected.until(is_mass)
    assert masses(collected) == [PALLET_G]


async def test_gross_is_told_with_its_tare_and_taring_is_no_second_load(
    showing: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(showing) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        showing.put(25_000)
        await collected.until(is_mass)
        assert showing.registrar.scale.tare(clock.now())
        await eventually(lambda: driver.live is not None and driver.live.tare_g > 0)
        showing.put(PALLET_G)
        await collected.until(is_mass, 2)
    assert [(one.mass_g, one.basis, one.tare_g) for one in readings(collected)] == [
        (25_000, "gross", 0),
        (PALLET_G, "gross", 25_000),
    ]


async def test_overload_and_underload_are_stated_once_and_so_is_their_end(
    showing: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(showing) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        showing.put(3_500_000)
        await collected.until(status_is("fault"))
        showing.put(-20_000)
        await collected.until(status_is("fault"), 2)
        showing.put(PALLET_G)
        await collected.until(is_mass)
    assert faults(collected) == ["overload", "under zero"]
    assert masses(collected) == [PALLET_G]


async def test_an_unstable_load_cannot_be_registered_and_is_not_taken(
    registering: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(registering) as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        registering.put(PALLET_G)
        assert not registering.register()
        moving = registering.registrar.current(clock.now())
        registering.registrar.registered = moving._replace(weight_id="000001")
        async with ticking(clock):
            await registered(registering, 300_000)
            await collected.until(is_mass)
    assert masses(collected) == [300_000]


@pytest.mark.parametrize(("unit", "mass_g"), [("t", PALLET_G), ("lb", PALLET_G), ("g", PALLET_G)])
async def test_weights_of_any_unit_become_grams(
    server: OpcUaServer, driver_for: DriverFor, clock: ManualClock, rng: Rng, unit: str, mass_g: int
) -> None:
    async with (
        OpcUaScale(server, clock, TaredScale(rng), name=f"in {unit}", unit=unit) as scale,
        driver_for(scale) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await registered(scale, PALLET_G)
        await collected.until(is_mass)
    assert masses(collected) == [mass_g]


async def test_a_server_without_the_scale_is_a_fault_that_names_what_it_has(
    registering: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with (
        driver_for(registering, scale="Weighbridge") as driver,
        Collected(driver.readings()) as collected,
    ):
        [fault] = await collected.until(status_is("fault"))
    assert fault.reading.reason.startswith("one scale has to be named; the server has ")
    assert registering.name in fault.reading.reason


async def test_a_value_that_cannot_be_goes_to_quarantine_once_and_reading_goes_on(
    showing: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(showing) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        await showing.stop()
        await showing.write_body(b"\x00" * 23)
        [rejected] = await collected.until(lambda item: isinstance(item, Rejected))
        showing.go_on()
        showing.put(PALLET_G)
        await collected.until(is_mass)
    assert (rejected.field, rejected.rule) == ("value", "24 bytes")
    assert sum(isinstance(item, Rejected) for item in collected.seen) == 1


async def test_a_lost_line_is_stated_once_and_so_is_its_return(
    showing: OpcUaScale, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(showing) as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        await showing.server.cut()
        await collected.until(status_is("offline"))
        clock.advance(90)
        await showing.server.mend()
        [gap] = await collected.until(status_is("gap"))
        await collected.until(status_is("online"), 2)
    assert [item.reading.state for item in collected.seen] == ["online", "offline", "gap", "online"]
    assert gap.reading.gap_s >= 90


async def test_a_server_that_notifies_too_fast_is_read_no_more_often_and_told(
    showing: OpcUaScale, driver_for: DriverFor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NOTIFICATIONS_PER_S_MAX", 3)
    async with driver_for(showing) as driver, Collected(driver.readings()) as collected:
        [fault] = await collected.until(status_is("fault"))
    assert fault.reading.reason == module.TOO_FAST


async def test_a_record_whose_time_nobody_tells_is_taken_only_when_its_coming_was_seen(
    server: OpcUaServer, driver_for: DriverFor, clock: ManualClock, rng: Rng
) -> None:
    scale = OpcUaScale(server, clock, TaredScale(rng), name="stamps reads", stamps_reads=True)
    async with scale, ticking(clock):
        await registered(scale, PALLET_G)
        async with driver_for(scale) as driver, Collected(driver.readings()) as collected:
            [gap] = await collected.until(status_is("gap"))
            await registered(scale, 300_000)
            [weighing] = await collected.until(is_mass)
    assert (
        gap.reading.reason == "weighing 000001 was registered before, and nobody tells when; it is not taken"
    )
    assert (weighing.reading.mass_g, weighing.reading.alibi_id) == (300_000, "000002")
    assert weighing.boot == 4
