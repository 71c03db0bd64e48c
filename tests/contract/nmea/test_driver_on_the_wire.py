"""The driver against the fake receiver over real sockets."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from devices.drivers.nmea.driver import LINES_PER_S_MAX, TOO_FAST, NmeaDriver
from kernel.clock import ManualClock
from kernel.messages import DeviceStatus, Observation, PositionReading, Rejected
from simulators.protocols.nmea.frames import NO_FIX, RTK_FIXED, Place
from simulators.protocols.nmea.server import NmeaServer
from tests.contract.wire import Collected, eventually, ticking

YARD = Place(29.712345, 115.987654, 20.0, -8.0, 90.0, 3.6, RTK_FIXED)
DriverFor = Callable[..., NmeaDriver]


@pytest.fixture
def driver_for(clock: ManualClock) -> DriverFor:
    def make(port: int, boot: int = 4, **settings: Any) -> NmeaDriver:
        return NmeaDriver("rover", "127.0.0.1", port, clock, boot, **({"backoff_s": (0.01,)} | settings))

    return make


@pytest.fixture
async def receiver(clock: ManualClock) -> AsyncIterator[NmeaServer]:
    async with NmeaServer(clock, YARD) as server:
        yield server


def is_position(item: object) -> bool:
    return isinstance(item, Observation) and isinstance(item.reading, PositionReading)


def is_rejected(item: object) -> bool:
    return isinstance(item, Rejected)


def status_is(state: str, reason: str | None = None) -> Callable[[object], bool]:
    def holds(item: object) -> bool:
        status = item.reading if isinstance(item, Observation) else None
        return (
            isinstance(status, DeviceStatus)
            and status.state == state
            and (reason is None or status.reason == reason)
        )

    return holds


async def test_each_epoch_is_one_position_with_the_receivers_own_time(
    receiver: NmeaServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    begun = clock.now()
    async with driver_for(receiver.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        positions = await collected.until(is_position, 5)
    times = [item.observed_at for item in positions[:5]]
    assert times == [times[0] + timedelta(seconds=second) for second in range(5)]
    assert times[0] >= begun
    assert all(time.microsecond == 0 for time in times)
    assert [item.observation_id for item in collected.seen[:6]] == [f"rover:4:{n}" for n in range(1, 7)]
    reading = positions[0].reading
    assert (reading.frame, reading.fix, reading.satellites) == ("wgs84", "rtk_fixed", 12)
    assert (reading.point.x_m, reading.point.y_m) == pytest.approx((115.987654, 29.712345), abs=1e-9)
    assert (reading.heading_deg, reading.speed_mps) == (90.0, 1.0)


async def test_a_lost_fix_is_stated_once_and_so_is_the_next(
    receiver: NmeaServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(receiver.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(is_position)
        receiver.put(YARD._replace(quality=NO_FIX))
        await collected.until(status_is("fault", "no fix"))
        told, until = len(collected.seen), clock.now() + timedelta(seconds=5)
        await eventually(lambda: clock.now() > until)
        assert len(collected.seen) == told
        receiver.put(YARD)
        await collected.until(status_is("online"), 2)
        await collected.until(is_position, 3)


async def test_a_malformed_sentence_is_set_aside_and_the_connection_goes_on(
    receiver: NmeaServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(receiver.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(is_position)
        receiver.spoil = lambda sent: sent.replace(b"2942.74", b"2942.75", 1)
        [rejected, *_] = await collected.until(is_rejected)
        receiver.spoil = bytes
        count = len([item for item in collected.seen if is_position(item)])
        await collected.until(is_position, count + 3)
    assert (rejected.device_id, rejected.field) == ("rover", "checksum")
    assert rejected.raw.startswith(b"$GNRMC")
    assert receiver.connection_count == 1


async def test_gone_and_back_are_each_stated_once(
    receiver: NmeaServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(receiver.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(is_position)
        await receiver.cut()
        await collected.until(status_is("offline"))
        clock.advance(60)
        await receiver.mend()
        [gap] = await collected.until(status_is("gap"))
        count = len([item for item in collected.seen if is_position(item)])
        await collected.until(is_position, count + 2)
    assert gap.reading.gap_s >= 60
    assert len([item for item in collected.seen if status_is("offline")(item)]) == 1
    assert len([item for item in collected.seen if status_is("online")(item)]) == 2


async def test_silence_is_noticed(receiver: NmeaServer, driver_for: DriverFor, clock: ManualClock) -> None:
    """Time stands still, so the receiver says one epoch and nothing more."""
    async with (
        driver_for(receiver.port, silence_ms=50) as driver,
        Collected(driver.readings()) as collected,
    ):
        [offline] = await collected.until(status_is("offline"))
        assert offline.reading.reason == "nothing was heard in time"
        # What it said before is told all the same.
        assert [is_position(item) for item in collected.seen[:3]] == [False, True, False]


async def test_a_receiver_that_sends_too_fast_is_limited_and_told(
    receiver: NmeaServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    receiver.kinds = ("GSV",) * (LINES_PER_S_MAX + 200) + ("RMC", "GGA")
    async with driver_for(receiver.port) as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("fault", TOO_FAST))
        receiver.kinds = ("RMC", "GGA")
        async with ticking(clock):
            await collected.until(is_position, 2)
    assert len([item for item in collected.seen if status_is("fault", TOO_FAST)(item)]) == 1


async def test_a_driver_without_patience_is_refused(driver_for: DriverFor) -> None:
    with pytest.raises(ValueError, match="silence_ms"):
        driver_for(1, silence_ms=0)
