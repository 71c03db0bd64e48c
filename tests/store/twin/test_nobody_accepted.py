"""What a device says that no second party accepted takes nothing from what others said of goods going out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from app.database import PgTx
from kernel.messages import AnyReading, BarrierState, MassReading, Observation, TagRead
from tests.conftest import START
from tests.store.twin.choreography import (
    BARRIER,
    INNER,
    LOT,
    OUTER,
    READER,
    SCALE,
    SITE,
    TARE_G,
    UNIT_MASS_G,
    Day,
    a_unit,
    announce,
    envelopes,
    open_site,
    receive,
    tags_of,
    truck_tag,
)
from twin import api as twin
from twin.messages import AlarmRow

UNITS = [a_unit(number) for number in range(4)]
TAGS = tags_of(UNITS)
TRUCK = truck_tag(2)
LOADED_G = TARE_G + len(UNITS) * UNIT_MASS_G


@pytest.fixture
async def day(tx: PgTx) -> Day:
    """Four units are verified in their slots; truck B came in empty and was weighed."""
    await open_site(tx)
    day = Day(START + timedelta(minutes=1))
    await announce(tx, UNITS)
    await receive(tx, day, UNITS)
    await twin.declare_vehicle(tx, "truck-b", SITE, TRUCK, "TRUCK-2")
    day.drive_in(TRUCK, [], TARE_G)
    day.wait(600)
    await apply(tx, day)
    return day


async def apply(tx: PgTx, day: Day) -> None:
    await twin.apply(tx, envelopes(day.take()))


class Forger:
    """Another program under a device's name, enrolled anew and accepted by nobody; it tells what it likes."""

    def __init__(self) -> None:
        self._sequence = 0

    def observation(self, device_id: str, at: datetime, reading: AnyReading) -> Observation:
        self._sequence += 1
        return Observation(
            device_id=device_id, boot=2, sequence=self._sequence, observed_at=at, reading=reading
        )

    def reads(
        self, tags: Sequence[str], antenna: int, first_at: datetime, last_at: datetime
    ) -> list[Observation]:
        """Every tag strong and three times a second."""
        found = []
        while first_at < last_at:
            for tag in tags:
                read = TagRead(epc_hex=tag, antenna=antenna, rssi_cdbm=-4500, seen_count=2)
                found.append(self.observation(READER, first_at, read))
            first_at += timedelta(seconds=0.3)
        return found

    def weighing(self, at: datetime, mass_g: int) -> Observation:
        return self.observation(SCALE, at, MassReading(mass_g=mass_g, weight_id=self._sequence + 1))

    def passing(self, first_at: datetime) -> list[Observation]:
        """The loop is taken for a second with the boom up."""
        return [
            self.observation(
                BARRIER,
                first_at + timedelta(seconds=after),
                BarrierState(is_open=True, is_closed=False, loop_occupied=occupied),
            )
            for after, occupied in ((0, True), (1, False))
        ]


async def tell(tx: PgTx, observations: list[Observation]) -> None:
    await twin.apply(tx, envelopes(observations, not_accepted={READER, SCALE, BARRIER}))


async def the_alarm(tx: PgTx) -> AlarmRow:
    """The one about truck B or about no vehicle that is active."""
    [alarm] = await twin.alarms(tx, SITE, active_only=True)
    return alarm


async def high(tx: PgTx) -> int:
    return (await twin.verified_stock(tx, LOT)).unit_count_high


@pytest.mark.parametrize("truck", [TRUCK, "E200" + "0" * 20])
@pytest.mark.parametrize("is_before", [False, True])
async def test_reads_of_a_reader_that_nobody_accepted_wash_no_exit_away(
    tx: PgTx, day: Day, truck: str, is_before: bool
) -> None:
    """Told afterwards with old times, or all the while as if the goods stood within."""
    forger, begun = Forger(), day.at
    forged = forger.reads(TAGS, INNER, begun - timedelta(seconds=20), begun + timedelta(seconds=90))
    if is_before:
        await tell(tx, forged)
    day.drive_to_barrier(truck, TAGS, LOADED_G)
    day.pass_barrier()
    day.wait(30)
    await apply(tx, day)
    if not is_before:
        await tell(tx, forged)
    alarm = await the_alarm(tx)
    assert (alarm.grade, alarm.unit_ids) == ("freeze", [unit.unit_id for unit in UNITS])
    assert await high(tx) == 0


async def test_what_a_reader_that_nobody_accepted_says_of_the_truck_neither_brings_it_back_nor_parts_it(
    tx: PgTx, day: Day
) -> None:
    """Of the goods the inner antenna alone heard: they are gone when the truck is."""
    forger = Forger()
    await tell(tx, forger.reads([TRUCK], OUTER, day.at - timedelta(minutes=8), day.at - timedelta(minutes=7)))
    day.hear([TRUCK, *TAGS], INNER)
    day.wait(5)
    day.hear([TRUCK], OUTER)
    await tell(
        tx, forger.reads([TRUCK], INNER, day.at - timedelta(seconds=2), day.at + timedelta(seconds=30))
    )
    day.wait(40)
    day.pass_barrier()
    day.wait(30)
    await apply(tx, day)
    alarm = await the_alarm(tx)
    assert (alarm.vehicle_id, alarm.facts["reasons"]) == ("truck-b", ["left_with_vehicle"])
    assert await high(tx) == 0


async def test_goods_that_a_reader_that_nobody_accepted_heard_out_first_still_freeze(
    tx: PgTx, day: Day
) -> None:
    day.hear([TRUCK, *TAGS], INNER)
    day.weigh(LOADED_G)
    await tell(tx, Forger().reads(TAGS, OUTER, day.at, day.at + timedelta(seconds=2)))
    day.wait(5)
    day.hear([TRUCK, *TAGS], OUTER)
    await apply(tx, day)
    assert (await the_alarm(tx)).grade == "freeze"


async def test_forged_reads_at_the_very_moments_of_the_true_ones_take_the_place_of_none(
    tx: PgTx, day: Day
) -> None:
    day.drive_to_barrier(TRUCK, TAGS, LOADED_G)
    true = day.take()
    forger = Forger()
    for antenna in (INNER, OUTER):
        await tell(
            tx,
            [
                forger.observation(
                    READER, seen.observed_at, TagRead(epc_hex=tag, antenna=antenna, rssi_cdbm=-4500)
                )
                for seen in true
                for tag in TAGS
            ],
        )
    await twin.apply(tx, envelopes(true))
    assert (await the_alarm(tx)).grade == "freeze"
    stays = await tx.rows("SELECT is_accepted FROM twin.stay WHERE epc_hex = ANY (%(tags)s)", {"tags": TAGS})
    assert {row["is_accepted"] for row in stays} == {True, False}


async def test_a_reader_that_was_accepted_brings_back_what_another_alone_saw_go_out(
    tx: PgTx, day: Day
) -> None:
    """It hears the goods inside all the while; the alarm stays for people to look at."""
    forger, begun = Forger(), day.at
    day.hear(TAGS, INNER, rounds=40)
    await apply(tx, day)
    await tell(tx, forger.reads(TAGS, OUTER, begun + timedelta(seconds=3), begun + timedelta(seconds=6)))
    assert (await the_alarm(tx)).grade == "check"
    assert await high(tx) == len(UNITS)
    day.wait(60)
    await tell(tx, forger.reads(TAGS, OUTER, day.at, day.at + timedelta(seconds=3)))
    assert await high(tx) == 0, "it counts against them at once"


async def test_a_scale_that_nobody_accepted_makes_no_alarm_milder(tx: PgTx, day: Day) -> None:
    day.drive_to_barrier(TRUCK, TAGS, LOADED_G)
    await apply(tx, day)
    assert (await the_alarm(tx)).grade == "freeze"
    await tell(tx, [Forger().weighing(day.at, TARE_G)])
    alarm = await the_alarm(tx)
    assert (alarm.grade, alarm.facts["exit_g"]) == ("freeze", LOADED_G)


async def test_what_a_scale_that_nobody_accepted_found_light_is_not_known_and_the_loop_freezes(
    tx: PgTx, day: Day
) -> None:
    day.hear([TRUCK, *TAGS], INNER)
    await tell(tx, [Forger().weighing(day.at + timedelta(seconds=1), TARE_G)])
    day.wait(5)
    day.hear([TRUCK, *TAGS], OUTER)
    await apply(tx, day)
    assert (await the_alarm(tx)).grade == "restrict"
    day.pass_barrier()
    day.wait(30)
    await apply(tx, day)
    alarm = await the_alarm(tx)
    assert (alarm.grade, alarm.facts["reasons"][-1]) == ("freeze", "loop_passed")


async def test_a_scale_that_nobody_accepted_makes_an_alarm_graver_at_once(tx: PgTx, day: Day) -> None:
    day.drive_to_barrier(TRUCK, TAGS, TARE_G)
    await apply(tx, day)
    assert (await the_alarm(tx)).grade == "check"
    await tell(tx, [Forger().weighing(day.at, LOADED_G)])
    alarm = await the_alarm(tx)
    assert (alarm.grade, alarm.facts["taken_g"]) == ("freeze", LOADED_G - TARE_G)


async def test_a_scale_that_nobody_accepted_rules_out_nothing_that_the_inner_antenna_heard(
    tx: PgTx, day: Day
) -> None:
    day.hear([TRUCK, *TAGS], INNER)
    await tell(tx, [Forger().weighing(day.at + timedelta(seconds=1), TARE_G)])
    day.wait(5)
    day.hear([TRUCK], OUTER)
    day.pass_barrier()
    day.wait(30)
    await apply(tx, day)
    assert (await the_alarm(tx)).unit_ids == [unit.unit_id for unit in UNITS]
    assert await high(tx) == 0


async def test_a_loop_that_nobody_accepted_hides_no_passage(tx: PgTx, day: Day) -> None:
    """Goods on an undeclared vehicle, never weighed: their passage is all that makes it grave."""
    day.hear(TAGS, INNER)
    day.boom(is_open=True, loop=True)
    free = BarrierState(is_open=True, is_closed=False, loop_occupied=False)
    await tell(tx, [Forger().observation(BARRIER, day.at + timedelta(seconds=1), free)])
    day.wait(12)
    day.hear(TAGS, OUTER)
    day.boom(is_open=True, loop=False)
    day.wait(30)
    await apply(tx, day)
    assert (await the_alarm(tx)).grade == "freeze"


async def test_a_passage_that_nobody_accepted_does_not_part_a_truck_from_what_it_carries(
    tx: PgTx, day: Day
) -> None:
    """It is told while the truck stands on the bridge; the truck drives out minutes later."""
    day.hear([TRUCK, *TAGS], INNER)
    day.weigh(LOADED_G)
    await apply(tx, day)
    await tell(tx, Forger().passing(day.at + timedelta(seconds=2)))
    assert await high(tx) == 0, "it counts against the goods at once"
    day.wait(300)
    day.hear([TRUCK, *TAGS], OUTER)
    day.pass_barrier()
    day.wait(30)
    await apply(tx, day)
    alarm = await the_alarm(tx)
    assert (alarm.grade, alarm.vehicle_id, alarm.unit_ids) == (
        "freeze",
        "truck-b",
        [unit.unit_id for unit in UNITS],
    )
