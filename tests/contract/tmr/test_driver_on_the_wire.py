"""The driver of a feed mixer against the fake wagon, over real sockets."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest

from devices.drivers.tmr import driver as module
from devices.drivers.tmr.driver import TmrDriver
from devices.drivers.tmr.session import BELOW_ZERO, TOO_FAST
from kernel.clock import ManualClock
from kernel.messages import DeviceStatus, FeedEvent, FeedWeight, Observation, Rejected
from kernel.rng import Rng
from simulators.protocols.tmr.frames import feedline
from simulators.protocols.tmr.server import WagonServer
from tests.contract.wire import Collected, eventually, ticking

DriverFor = Callable[..., TmrDriver]
LOCAL = datetime(2026, 11, 23, 14, 5, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture
def driver_for(clock: ManualClock) -> DriverFor:
    def make(port: int, boot: int = 4, **settings: Any) -> TmrDriver:
        return TmrDriver("wagon", "127.0.0.1", port, clock, boot, backoff_s=(0.01,), **settings)

    return make


@pytest.fixture
async def wagon(clock: ManualClock, rng: Rng) -> AsyncIterator[WagonServer]:
    async with WagonServer(clock, rng) as server:
        yield server


def is_kind(kind: type) -> Callable[[Any], bool]:
    return lambda item: isinstance(item, Observation) and isinstance(item.reading, kind)


def at_rest(mass_g: int) -> Callable[[Any], bool]:
    """A weight that may be booked, within the noise of the bars."""

    def is_it(item: Any) -> bool:
        reading = getattr(item, "reading", None)
        return (
            isinstance(reading, FeedWeight)
            and not reading.is_moving
            and abs(reading.mass_g - mass_g) <= 10_000
        )

    return is_it


def is_offline(item: Any) -> bool:
    return bool(item.reading.state == "offline")


def states(collected: Collected) -> list[str]:
    return [item.reading.state for item in collected.seen if is_kind(DeviceStatus)(item)]


@pytest.mark.parametrize(
    ("form", "hz", "unit"),
    [("continuous", 10.0, "kg"), ("once a second", 1.0, "kg"), ("continuous", 2.0, "lb")],
)
async def test_loads_and_drops_are_told_where_the_mass_comes_to_rest(
    driver_for: DriverFor, clock: ManualClock, rng: Rng, form: Any, hz: float, unit: str
) -> None:
    async with (
        WagonServer(clock, rng, form=form, hz=hz, unit=unit.upper()) as wagon,
        driver_for(wagon.port, unit=unit) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(at_rest(0))
        wagon.move(2_500_000, within_s=20)
        await collected.until(lambda item: is_kind(FeedWeight)(item) and item.reading.is_moving, 3)
        await collected.until(at_rest(2_500_000))
        wagon.move(1_000_000, within_s=10)
        await collected.until(at_rest(1_000_000))
    assert {item.boot for item in collected.seen} == {4}
    assert [item.sequence for item in collected.seen] == list(range(1, len(collected.seen) + 1))


async def test_ten_weights_a_second_become_the_few_that_matter(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(wagon.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(at_rest(0))
        began = clock.now()
        wagon.move(1_000_000, within_s=20)
        await collected.until(at_rest(1_000_000))
        told = [item for item in collected.seen if is_kind(FeedWeight)(item) and item.observed_at > began]
        took_s = (clock.now() - began).total_seconds()
    assert all(later.observed_at - one.observed_at >= timedelta(seconds=1) for one, later in pairwise(told))
    assert len(told) <= took_s / 2 + 3
    assert [item.reading.is_moving for item in told] == [True] * (len(told) - 1) + [False]


async def test_a_weight_carries_the_digest_of_all_lines_since_the_one_before(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    sent: list[bytes] = []

    def keep(data: bytes) -> bytes:
        sent.extend(line for line in data.split(b"\r") if line)
        return data

    wagon.spoil = keep
    async with driver_for(wagon.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(at_rest(0))
    told = [item for item in collected.seen if is_kind(FeedWeight)(item)]
    begin = 0
    for item in told:
        spans = {hashlib.sha256(b"\n".join(sent[begin:end])).hexdigest(): end for end in range(len(sent) + 1)}
        begin = spans[item.raw_sha256]
    assert len(told) >= 2
    assert begin >= 20


async def test_ingredients_and_pens_are_told_once_with_the_indicators_time(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    corn = feedline("I", "CORN", called_kg=2500, moved_kg=2490, local=LOCAL)
    pen = feedline("P", "PEN-3", called_kg=1200, moved_kg=1215, local=LOCAL + timedelta(minutes=20))
    undone = feedline("P", "PEN-4", called_kg=1200, moved_kg=0, status="U")
    async with driver_for(wagon.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        for line in (corn, undone, pen, corn, corn.replace(",D,", ",S,")):
            wagon.wagon.complete(line)
        events = await collected.until(is_kind(FeedEvent), 2)
        await collected.until(at_rest(0))
    assert [item.reading for item in collected.seen if is_kind(FeedEvent)(item)] == [
        FeedEvent(
            action="load",
            mass_g=2_490_000,
            ingredient="CORN",
            batch="1001",
            target_g=2_500_000,
            ration="HICOW",
        ),
        FeedEvent(
            action="unload",
            mass_g=1_215_000,
            pen="PEN-3",
            batch="1001",
            target_g=1_200_000,
            ration="HICOW",
        ),
    ]
    assert events[0].observed_at == datetime(2026, 11, 23, 6, 5, tzinfo=UTC)


async def test_a_feedline_sent_again_after_a_restart_is_the_same_event(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    wagon.wagon.complete(feedline("I", "CORN", called_kg=2500, moved_kg=2490, local=LOCAL))
    seen = []
    for boot in (4, 5):
        async with (
            driver_for(wagon.port, boot) as driver,
            Collected(driver.readings()) as collected,
            ticking(clock),
        ):
            seen += await collected.until(is_kind(FeedEvent))
    assert seen[0] == seen[1]


async def test_a_feedline_that_comes_again_with_another_weight_contradicts_itself(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(wagon.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        for moved_kg in (2490, 2600):
            wagon.wagon.complete(feedline("I", "CORN", called_kg=2500, moved_kg=moved_kg, local=LOCAL))
        first, second = await collected.until(is_kind(FeedEvent), 2)
    assert first.observation_id == second.observation_id
    assert first.reading != second.reading


async def test_a_feedline_without_a_time_carries_ours_and_is_told_once(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(wagon.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        line = feedline("I", "CORN", called_kg=2500, moved_kg=2490)
        wagon.wagon.complete(line)
        wagon.wagon.complete(line)
        [event] = await collected.until(is_kind(FeedEvent))
        await collected.until(at_rest(0))
    assert event.boot == 4
    assert len([item for item in collected.seen if is_kind(FeedEvent)(item)]) == 1


async def test_what_the_indicator_cannot_weigh_is_a_fault_and_never_a_mass(
    driver_for: DriverFor, clock: ManualClock, rng: Rng
) -> None:
    async with (
        WagonServer(clock, rng, form="once a second", hz=5.0) as wagon,
        driver_for(wagon.port) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(at_rest(0))
        wagon.wagon.tag = "ER"
        await collected.until(lambda item: is_kind(DeviceStatus)(item) and item.reading.state == "fault")
        wagon.wagon.tag = "GR"
        wagon.move(500_000)
        await collected.until(at_rest(500_000))
        wagon.move(-400_000)
        await collected.until(lambda item: is_kind(DeviceStatus)(item) and item.reading.reason == BELOW_ZERO)
        wagon.move(0)
        await collected.until(at_rest(0), 2)
    assert states(collected) == ["online", "fault", "online", "fault", "online"]
    # What rested before a fault counts as moving until it has rested again.
    kinds = [item.reading for item in collected.seen if not is_kind(FeedEvent)(item)]
    after_fault = [later for one, later in pairwise(kinds) if one == DeviceStatus(state="online")]
    assert all(getattr(reading, "is_moving", True) for reading in after_fault)


async def test_a_lost_line_is_stated_once_and_so_is_its_return(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(wagon.port) as driver, Collected(driver.readings()) as collected:
        async with ticking(clock):
            await collected.until(at_rest(0))
        await wagon.cut()
        await eventually(lambda: "offline" in states(collected))
        clock.advance(90)
        wagon.wagon.move(700_000, clock.now())
        await wagon.mend()
        async with ticking(clock):
            await collected.until(at_rest(700_000))
    assert states(collected) == ["online", "offline", "gap", "online"]
    [gap] = [item for item in collected.seen if is_kind(DeviceStatus)(item) and item.reading.state == "gap"]
    assert gap.reading.gap_s >= 90


async def test_a_line_that_says_nothing_or_only_rubbish_is_lost(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_S_MAX", 0.2)
    async with driver_for(wagon.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(is_kind(FeedWeight))
        wagon.spoil = lambda _: b""
        [silent] = await collected.until(lambda item: is_kind(DeviceStatus)(item) and is_offline(item))
        wagon.spoil = bytes
        await collected.until(lambda item: is_kind(DeviceStatus)(item) and item.reading.state == "gap")
        wagon.spoil = lambda _: b"rubbish\r"
        [_, rubbish] = await collected.until(lambda item: is_kind(DeviceStatus)(item) and is_offline(item), 2)
    assert silent.reading.reason == "nothing was heard in time"
    assert rubbish.reading.reason == "no line was understood in time"


async def test_weights_that_waited_while_nothing_could_be_taken_are_stale_and_not_read(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_S_MAX", 0.2)
    async with driver_for(wagon.port) as driver, ticking(clock):
        items = driver.readings()
        while not is_kind(FeedWeight)(await anext(items)):
            pass
        loop = asyncio.get_running_loop()
        busy_until_s = loop.time() + 0.4
        await eventually(lambda: loop.time() > busy_until_s)
        said = await anext(items)
    assert said.reading.state == "offline"
    assert "stale" in said.reading.reason


async def test_a_garbled_line_is_set_aside_and_listening_goes_on(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(wagon.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(at_rest(0))
        wagon.spoil = lambda data: data.replace(b"KG", b"KQ")
        rejected = await collected.until(lambda item: isinstance(item, Rejected))
        wagon.spoil = bytes
        wagon.move(300_000)
        await collected.until(at_rest(300_000))
    assert {item.field for item in rejected} == {"line"}
    assert states(collected) == ["online"]


async def test_an_indicator_that_sends_too_fast_is_limited_and_told_once(
    wagon: WagonServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(wagon.port) as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(at_rest(0))
        wagon.spoil = lambda data: data * 40
        [fault] = await collected.until(
            lambda item: is_kind(DeviceStatus)(item) and item.reading.state == "fault"
        )
        wagon.spoil = bytes
        await collected.until(lambda item: is_kind(DeviceStatus)(item) and item.reading.state == "online", 2)
    assert fault.reading.reason == TOO_FAST
