"""What passes over the loop of a gate stops money unless a known vehicle explains it, whenever it is told."""

from datetime import timedelta

import pytest

from kernel.messages import BarrierState
from tests.store.finance.conftest import PALLET_G, TRUCK_G, Lot, Story
from tests.store.finance.test_left_refused import BARRIER, active, look_by_the_clock, turned_by_its_key
from twin.alarms.unexplained import BLOCKED, ON_ITS_WAY, SETTLES, STANDS
from twin.visits.model import LEAVES_WITHIN


@pytest.fixture
async def lot(story: Story) -> Lot:
    """Twelve pledged pallets."""
    received = await story.receive()
    await story.pledged(received, await story.facility())
    story.clock.advance(3_600)
    return received


def boom(is_open: bool, loop: bool) -> BarrierState:
    return BarrierState(is_open=is_open, is_closed=not is_open, loop_occupied=loop)


async def kinds_after(story: Story, wait: timedelta) -> list[str]:
    """The alarms that are active when the clock has come round after a while."""
    story.clock.advance(wait.total_seconds())
    return [alarm.kind for alarm in await look_by_the_clock(story)]


@pytest.mark.parametrize("mass_g", [None, TRUCK_G])
async def test_what_came_in_explains_a_passage_once_a_scale_says_that_it_was_a_vehicle(
    story: Story, lot: Lot, mass_g: int | None
) -> None:
    """A tag that is carried in by hand opens the boom for what goes out."""
    tag = await story.expected()
    await story.hear([tag], antenna=1)
    await turned_by_its_key(story)
    await story.hear([tag], antenna=2)
    if mass_g is not None:
        await story.weigh(mass_g)
    assert await kinds_after(story, SETTLES) == [], "it may be weighed yet"
    assert await kinds_after(story, ON_ITS_WAY) == ([] if mass_g else ["passage_unexplained"])


async def test_who_stands_outside_puts_off_what_a_passage_means_for_a_while_only(
    story: Story, lot: Lot
) -> None:
    tag = await story.expected()
    await story.hear([tag], antenna=1)
    await turned_by_its_key(story)
    assert await kinds_after(story, SETTLES) == []
    await story.hear([tag], antenna=1)
    assert await kinds_after(story, ON_ITS_WAY) == ["passage_unexplained"]
    await story.hear([tag], antenna=1)
    assert await kinds_after(story, 3 * ON_ITS_WAY) == ["passage_unexplained"]


async def test_a_passage_that_is_told_long_after_it_was_is_judged_then(story: Story, lot: Lot) -> None:
    at = story.clock.now()
    story.clock.advance(26 * 3_600)
    await story.tell_late(at, [(BARRIER, 10, boom(True, True)), (BARRIER, 15, boom(True, False))])
    assert await look_by_the_clock(story) == [], "what else was kept comes in beside it"
    assert await kinds_after(story, SETTLES) == ["passage_unexplained"]
    assert (await active(story))[0].evidence[0].at == at + timedelta(seconds=10)


async def test_a_passage_is_judged_though_nothing_looked_for_days(story: Story, lot: Lot) -> None:
    await turned_by_its_key(story)
    assert await kinds_after(story, timedelta(days=3)) == ["passage_unexplained"]


async def test_a_loop_that_is_occupied_for_long_is_no_watch(story: Story, lot: Lot) -> None:
    await story.observe(BARRIER, [(1, boom(False, True))])
    assert await kinds_after(story, BLOCKED / 2) == []
    [alarm] = [await kinds_after(story, BLOCKED), await active(story)][1]
    assert alarm.kind == "passage_unexplained"
    await story.observe(BARRIER, [(1, boom(False, False))])
    freed_at = story.clock.now()
    assert await kinds_after(story, SETTLES) == ["passage_unexplained"]
    last_at = await story.tx.value("SELECT last_at FROM twin.alarm WHERE state = 'active'")
    assert last_at == freed_at


async def test_what_passes_under_a_boom_that_is_said_to_be_shut_with_nobody_near_is_unexplained(
    story: Story, lot: Lot
) -> None:
    """The arm was taken off."""
    await story.weigh(TRUCK_G + 12 * PALLET_G)
    await story.observe(BARRIER, [(1, boom(False, True)), (6, boom(False, False))])
    assert await kinds_after(story, SETTLES) == ["passage_unexplained"]
    assert (await active(story))[0].facts["exit_g"] == TRUCK_G + 12 * PALLET_G


async def test_a_known_vehicle_feels_its_way_to_the_shut_boom(story: Story, lot: Lot) -> None:
    truck = await story.visit()
    story.clock.advance(1200)
    await story.hear([truck], antenna=2)
    await story.observe(BARRIER, [(1, boom(False, True)), (6, boom(False, False))])
    assert await kinds_after(story, SETTLES) == []


RAISED_AND_PASSED = [(1, boom(True, False)), (2, boom(True, True)), (6, boom(True, False))]


async def on_the_loop(story: Story, direction: str) -> None:
    """A known vehicle, empty, drives onto the loop under the raised boom."""
    truck = await (story.visit() if direction == "out" else story.expected())
    story.clock.advance(1_200)
    await story.hear([truck], antenna=2 if direction == "out" else 1)
    if direction == "out":
        await story.weigh(TRUCK_G)
    await story.observe(BARRIER, RAISED_AND_PASSED[:2])
    if direction == "in":
        await story.weigh(TRUCK_G)
    await story.hear([truck], antenna=1 if direction == "out" else 2)


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_one_vehicle_does_not_explain_what_passes_while_the_loop_stays_occupied_under_a_raised_boom(
    story: Story, lot: Lot, direction: str
) -> None:
    """A plate lies on it, is lifted for a second and laid again."""
    await on_the_loop(story, direction)
    story.clock.advance(80)
    await story.observe(BARRIER, [(0, boom(True, False)), (1, boom(True, True))])
    assert await kinds_after(story, STANDS / 2) == ["passage_unexplained"], "the loop is occupied still"
    await story.observe(BARRIER, [(1, boom(True, False)), (5, boom(False, False))])
    assert await kinds_after(story, ON_ITS_WAY + SETTLES) == ["passage_unexplained"]
    assert await kinds_after(story, timedelta(hours=3)) == ["passage_unexplained"]


@pytest.mark.parametrize("direction", ["out", "in"])
@pytest.mark.parametrize("seconds", [0, 45])
async def test_a_known_vehicle_that_stops_on_the_loop_for_traffic_is_no_alarm(
    story: Story, lot: Lot, direction: str, seconds: int
) -> None:
    await on_the_loop(story, direction)
    story.clock.advance(seconds)
    await story.observe(BARRIER, [(1, boom(True, False)), (5, boom(False, False))])
    assert await kinds_after(story, SETTLES) == []
    assert await kinds_after(story, ON_ITS_WAY) == []


async def test_a_known_vehicle_that_waits_on_the_loop_until_the_boom_is_raised_is_no_alarm(
    story: Story, lot: Lot
) -> None:
    truck = await story.visit()
    story.clock.advance(1_200)
    await story.hear([truck], antenna=2)
    await story.weigh(TRUCK_G)
    await story.observe(BARRIER, [(1, boom(False, True)), (600, boom(True, True))])
    await story.hear([truck], antenna=1)
    await story.observe(BARRIER, [(1, boom(True, False)), (5, boom(False, False))])
    assert await kinds_after(story, ON_ITS_WAY) == []


async def test_that_the_loop_was_free_again_at_once_takes_the_alarm_back_when_it_is_told_late(
    story: Story, lot: Lot
) -> None:
    """The line was cut while a vehicle was on the loop."""
    await on_the_loop(story, "out")
    at = story.clock.now()
    assert await kinds_after(story, STANDS) == ["passage_unexplained"]
    await story.tell_late(at, [(BARRIER, 3, boom(True, False)), (BARRIER, 9, boom(False, False))])
    assert await look_by_the_clock(story) == []


async def gone_as_it_seems(story: Story) -> str:
    """The boom is raised for a known empty truck, and something passes; returns the truck's tag."""
    truck = await story.visit()
    story.clock.advance(1_200)
    await story.hear([truck], antenna=2)
    await story.weigh(TRUCK_G)
    await story.hear([truck], antenna=1)
    await story.observe(BARRIER, [*RAISED_AND_PASSED, (10, boom(False, False))])
    assert await kinds_after(story, LEAVES_WITHIN) == []
    return truck


@pytest.mark.parametrize("wait", [timedelta(minutes=1), timedelta(hours=2), timedelta(days=3)])
async def test_a_truck_that_is_heard_inside_however_late_with_no_passage_inwards_never_left(
    story: Story, lot: Lot, wait: timedelta
) -> None:
    """What passed stood before it, unheard; its own tag was covered meanwhile."""
    truck = await gone_as_it_seems(story)
    passed_at = story.clock.now() - LEAVES_WITHIN
    assert await kinds_after(story, wait) == []
    await story.hear([truck], antenna=2)
    assert await kinds_after(story, SETTLES) == ["passage_unexplained"]
    assert (await active(story))[0].evidence[0].at < passed_at


@pytest.mark.parametrize("is_heard_outside", [True, False])
async def test_a_truck_that_left_and_comes_again_over_the_loop_is_no_alarm(
    story: Story, lot: Lot, is_heard_outside: bool
) -> None:
    truck = await gone_as_it_seems(story)
    story.clock.advance(3_600)
    if is_heard_outside:
        await story.hear([truck], antenna=1)
    await story.observe(BARRIER, [*RAISED_AND_PASSED, (10, boom(False, False))])
    await story.weigh(TRUCK_G)
    await story.hear([truck], antenna=2)
    assert await kinds_after(story, SETTLES) == []
    assert await kinds_after(story, ON_ITS_WAY) == []
