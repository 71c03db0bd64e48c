"""The MT-SICS driver against the fake scale, over real sockets."""

import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import pytest

from devices.drivers.mt_sics.driver import LINES_PER_S_MAX, MtSicsDriver
from devices.transport import errands
from kernel.clock import ManualClock
from kernel.messages import MassReading, Rejected
from kernel.rng import Rng
from simulators.protocols.connections import ConversationServer
from simulators.protocols.loadcell import TaredScale
from simulators.protocols.mt_sics.server import MtSicsServer
from tests.contract.orders import order
from tests.contract.scales import emptied, faults, is_mass, masses, readings, status_is
from tests.contract.wire import Collected, eventually, ticking

PALLET_G = 812_500
DriverFor = Callable[..., MtSicsDriver]
ways = pytest.mark.parametrize("watch", ["poll", "stream"])


@pytest.fixture
def driver_for(clock: ManualClock) -> DriverFor:
    def make(port: int, boot: int = 4, **settings: Any) -> MtSicsDriver:
        given = {"poll_ms": 20, "settle_s": 0.5, "backoff_s": (0.01,)}
        return MtSicsDriver("scale", "127.0.0.1", port, clock, boot, **(given | settings))

    return make


@pytest.fixture
async def floor(clock: ManualClock, rng: Rng) -> AsyncIterator[MtSicsServer]:
    async with MtSicsServer(clock, TaredScale(rng)) as server:
        yield server


class Script:
    """A scale that gives every command a fixed answer."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = answers
        self._begun = b""

    def receive(self, data: bytes, now: datetime) -> bytes:
        *commands, self._begun = (self._begun + data).split(b"\r\n")
        return b"".join(self._answers.get(command, b"ES\r\n") for command in commands)

    def due(self, now: datetime) -> bytes:
        return b""


@ways
async def test_each_load_at_rest_is_weighed_once(
    floor: MtSicsServer, driver_for: DriverFor, clock: ManualClock, watch: str
) -> None:
    async with (
        driver_for(floor.port, watch=watch) as driver,
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
    assert readings(collected)[0] == MassReading(mass_g=PALLET_G, weight_id=2)


async def test_the_evidence_is_the_stable_weight_that_the_scale_was_asked_for(
    floor: MtSicsServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        floor.put(PALLET_G)
        [weighing] = await collected.until(is_mass)
    assert weighing.raw_sha256 == hashlib.sha256(b"S S     812.50 kg").hexdigest()


@ways
async def test_a_load_that_never_rests_is_never_weighed(
    floor: MtSicsServer, driver_for: DriverFor, clock: ManualClock, watch: str
) -> None:
    async with (
        driver_for(floor.port, watch=watch) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        for step in range(1, 40):
            floor.put(step * 20_000)
            begun = clock.now()
            await eventually(lambda begun=begun: (clock.now() - begun).total_seconds() > 0.3)
        floor.put(PALLET_G)
        await collected.until(is_mass)
    assert masses(collected) == [PALLET_G]


@ways
async def test_net_is_told_with_its_tare_and_taring_is_no_second_load(
    floor: MtSicsServer, driver_for: DriverFor, clock: ManualClock, watch: str
) -> None:
    async with (
        driver_for(floor.port, watch=watch) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        floor.put(25_000)
        await collected.until(is_mass)
        assert await driver.command(order("tare")) is None
        await eventually(lambda: driver.live is not None and driver.live.basis == "net")
        floor.put(PALLET_G)
        await collected.until(is_mass, 2)
    assert readings(collected) == [
        MassReading(mass_g=25_000, weight_id=2),
        MassReading(mass_g=PALLET_G - 25_000, weight_id=4, basis="net", tare_g=25_000),
    ]
    [said] = [item for item in collected.seen if status_is("online", "by an order")(item)]
    assert said.reading.reason == "the scale was tared by 25000 g by an order"


async def test_orders_are_refused_while_the_load_moves_and_said_to_fail_without_a_scale(
    floor: MtSicsServer, driver_for: DriverFor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "ERRAND_S_MAX", 0.2)
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected:
        async with ticking(clock):
            await collected.until(status_is("online"))
            floor.put(3_500_000)
            assert await driver.command(order("tare")) == "overload"
            floor.put(-50_000)
            await collected.until(status_is("fault", "under zero"))
            assert await driver.command(order("zero")) == "underload"
        await floor.cut()
        assert await driver.command(order("zero")) == "unreachable"


async def test_zeroing_is_carried_out_and_stated(
    floor: MtSicsServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        floor.put(4_000)
        assert await driver.command(order("zero")) is None
        [said] = await collected.until(status_is("online", "zeroed by an order"))
        floor.put(104_000)
        await collected.until(is_mass)
    assert masses(collected) == [100_000]
    assert said.sequence == 2


@pytest.mark.parametrize(
    ("unit", "decimals", "mass_g"), [("g", 0, PALLET_G), ("t", 4, PALLET_G), ("lb", 1, 812_520)]
)
async def test_weights_of_any_unit_become_grams(
    driver_for: DriverFor, clock: ManualClock, rng: Rng, unit: str, decimals: int, mass_g: int
) -> None:
    async with (
        MtSicsServer(clock, TaredScale(rng), unit=unit, decimals=decimals) as floor,
        driver_for(floor.port) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        floor.put(PALLET_G)
        await collected.until(is_mass)
    assert masses(collected) == [mass_g]


async def test_a_scale_that_tells_no_tare_tells_net_weights(
    driver_for: DriverFor, clock: ManualClock, rng: Rng
) -> None:
    async with (
        MtSicsServer(clock, TaredScale(rng), knows_tare=False) as floor,
        driver_for(floor.port) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        floor.put(PALLET_G)
        await collected.until(is_mass)
    assert readings(collected) == [MassReading(mass_g=PALLET_G, weight_id=2, basis="net")]


async def test_overload_and_underload_are_stated_once_and_so_is_their_end(
    floor: MtSicsServer, driver_for: DriverFor, clock: ManualClock
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


async def test_another_scale_at_the_address_is_a_fault_and_never_weighs(
    floor: MtSicsServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with (
        driver_for(floor.port, serial_number="B000000001") as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        [fault] = await collected.until(status_is("fault"))
        floor.put(PALLET_G)
        await eventually(lambda: floor.connection_count >= 20)
    assert fault.reading.reason == "the scale answers to the serial number 'B021002593'"
    assert len(collected.seen) == 1


@pytest.mark.parametrize(("error", "name"), [(b"ES\r\n", "syntax error"), (b"EL\r\n", "logical error")])
async def test_a_scale_that_does_not_know_the_command_is_a_fault_stated_once(
    driver_for: DriverFor, clock: ManualClock, error: bytes, name: str
) -> None:
    script = Script({b"I4": b'I4 A "1"\r\n', b"SI": error})
    async with (
        ConversationServer(clock, lambda: script) as peer,
        driver_for(peer.port) as driver,
        Collected(driver.readings()) as collected,
    ):
        await collected.until(status_is("fault"))
        await eventually(lambda: peer.connection_count >= 20)
    assert faults(collected) == [f"the scale answers with a {name}"]


async def test_a_garbled_answer_is_set_aside_and_asked_for_again_on_the_same_connection(
    floor: MtSicsServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(floor.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        floor.spoil = lambda data: data.replace(b" kg", b" k\xff")
        await collected.until(lambda item: isinstance(item, Rejected))
        floor.spoil = bytes
        floor.put(PALLET_G)
        await collected.until(is_mass)
    [rejected, *more] = [item for item in collected.seen if isinstance(item, Rejected)]
    assert (rejected.field, rejected.rule) == ("line", "ASCII, not so at offset 16")
    assert rejected.raw == b"S S       0.00 k\xff"
    assert not [item for item in more if item.raw == rejected.raw]
    assert floor.connection_count == 1


@ways
async def test_a_lost_line_is_stated_once_and_so_is_its_return(
    floor: MtSicsServer, driver_for: DriverFor, clock: ManualClock, watch: str
) -> None:
    async with driver_for(floor.port, watch=watch) as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        floor.put(PALLET_G)
        async with ticking(clock):
            await collected.until(is_mass)
        await floor.cut()
        await collected.until(status_is("offline"))
        clock.advance(90)
        await floor.mend()
        [gap] = await collected.until(status_is("gap"))
        await collected.until(status_is("online"), 2)
    states = [item.reading.state for item in collected.seen if not is_mass(item)]
    assert states == ["online", "offline", "gap", "online"]
    assert gap.reading.gap_s >= 90


async def test_a_scale_that_sends_too_fast_is_limited_and_told(
    driver_for: DriverFor, clock: ManualClock
) -> None:
    weight = b"S D       1.00 kg\r\n"
    script = Script({b"I4": b'I4 A "1"\r\n', b"SIR": weight * (3 * LINES_PER_S_MAX)})
    async with (
        ConversationServer(clock, lambda: script) as peer,
        driver_for(peer.port, watch="stream") as driver,
        Collected(driver.readings()) as collected,
    ):
        [fault] = await collected.until(status_is("fault"))
    assert fault.reading.reason == "more than 100 lines a second; the rest is not read"
