"""The main job at the level of observations: in, verified, an exit nobody released, back, a released exit."""

from datetime import timedelta
from typing import TypeVar

import msgspec
import pytest

from app.database import PgTx
from kernel.geometry import Point
from kernel.messages import Event, Observation, PositionReading, TagRead
from tests.conftest import START
from tests.store.twin.choreography import (
    BARRIER,
    FORKLIFT,
    GATE,
    INNER,
    LOT,
    OUTER,
    READER,
    SCALE,
    SITE,
    SLOTS,
    TARE_G,
    UNIT_MASS_G,
    Day,
    a_layout,
    a_unit,
    announce,
    envelopes,
    open_site,
    receive,
    tags_of,
    truck_tag,
)
from twin import api as twin
from twin.alarms.incidents import close
from twin.messages import (
    AlarmCleared,
    AlarmRaised,
    DeliveryWeighed,
    ExpectedDeparture,
    ImportLayout,
    TagUnknown,
    UnitCrossed,
    UnitDeclaration,
    UnitSetDown,
    VehicleAtGate,
    VehicleLeft,
    VehicleWeighed,
    VerifiedStockChanged,
)

DOCK = Point(30.0, 10.0, 1.2)
E = TypeVar("E", bound=Event)


def told(tx: PgTx, kind: type[E]) -> list[E]:
    return [event for event in tx.events if isinstance(event, kind)]


async def apply(tx: PgTx, day: Day) -> list[Observation]:
    observations = day.take()
    await twin.apply(tx, envelopes(observations))
    return observations


@pytest.fixture
async def day(tx: PgTx) -> Day:
    await open_site(tx)
    return Day(START + timedelta(minutes=1))


async def load_truck_b(tx: PgTx, day: Day, tags: list[str]) -> None:
    """Truck B comes in empty and takes the pallets at the dock."""
    await twin.declare_vehicle(tx, "truck-b", SITE, truck_tag(2), "TRUCK-2")
    day.drive_in(truck_tag(2), [], TARE_G)
    for tag, slot in zip(tags, SLOTS, strict=False):
        day.lift(tag, slot.centre)
        day.put(tag, DOCK)


async def test_a_delivery_is_told_step_by_step(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(3)]
    await announce(tx, units)
    day.hear([truck_tag(1), *tags_of(units)], OUTER)
    await apply(tx, day)
    [*_, waiting] = told(tx, VehicleAtGate)
    assert (waiting.vehicle_id, waiting.direction, waiting.gate_id) == ("truck-a", "in", GATE)
    assert waiting.unit_ids == [unit.unit_id for unit in units]
    day.pass_barrier()
    day.weigh(TARE_G + 3 * UNIT_MASS_G)
    await apply(tx, day)
    weighed = told(tx, VehicleWeighed)[-1]
    assert (weighed.vehicle_id, weighed.direction) == ("truck-a", "in")
    assert told(tx, UnitCrossed) == []
    day.wait(5)
    day.hear([truck_tag(1), *tags_of(units)], INNER)
    await apply(tx, day)
    crossed = told(tx, UnitCrossed)
    assert sorted((event.unit_id, event.direction) for event in crossed) == [
        (unit.unit_id, "in") for unit in units
    ]
    assert all(event.is_direct and len(event.evidence_ids) >= 3 for event in crossed)
    assert told(tx, VehicleLeft) == []


async def test_verified_stock_rises_with_each_modality_and_not_with_the_books(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(12)]
    await announce(tx, units)
    assert (await twin.verified_stock(tx, LOT)).unit_count_high == 0
    tags = tags_of(units)
    day.drive_in(truck_tag(1), tags, TARE_G + 12 * UNIT_MASS_G)
    await apply(tx, day)
    heard = await twin.verified_stock(tx, LOT)
    assert set(heard.modalities) == set()
    assert heard.unit_count_low == 0, "a tag alone is one modality"
    assert heard.unit_count_mid == 12
    day.unload(tags)
    await apply(tx, day)
    placed = await twin.verified_stock(tx, LOT)
    assert set(placed.modalities) == {"tag", "position"}
    assert heard.unit_count_low < placed.unit_count_low
    assert [event.slot_id for event in told(tx, UnitSetDown)] == [slot.slot_id for slot in SLOTS]
    assert placed.mass_g_low is None
    day.drive_to_barrier(truck_tag(1), [], TARE_G)
    day.pass_barrier()
    await apply(tx, day)
    weighed = await twin.verified_stock(tx, LOT)
    assert (weighed.unit_count_low, weighed.unit_count_high) == (12, 12)
    assert set(weighed.modalities) == {"tag", "mass", "position"}
    assert weighed.mass_g_low is not None
    assert weighed.mass_g_low < 12 * UNIT_MASS_G < (weighed.mass_g_high or 0)
    [net] = told(tx, DeliveryWeighed)
    assert (net.net_g, net.agrees) == (12 * UNIT_MASS_G, True)
    [left] = told(tx, VehicleLeft)
    assert (left.vehicle_id, left.unit_ids) == ("truck-a", [])
    assert told(tx, AlarmRaised) == []
    lows = [event.low for event in told(tx, VerifiedStockChanged) if event.lot_id == LOT]
    assert lows == sorted(lows)
    assert all(unit.level == "verified" for unit in weighed.units)


async def test_an_exit_without_release_is_checked_on_tags_and_freezes_with_the_mass(
    tx: PgTx, day: Day
) -> None:
    units = [a_unit(number) for number in range(4)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    day.hear([truck_tag(2), *tags], INNER)
    day.wait(8)
    day.hear([truck_tag(2), *tags], OUTER)
    await apply(tx, day)
    raised = told(tx, AlarmRaised)
    assert {alarm.grade for alarm in raised} == {"check"}
    assert (await twin.verified_stock(tx, LOT)).unit_count_high == 0
    day.weigh(TARE_G + 4 * UNIT_MASS_G)
    await apply(tx, day)
    graver = told(tx, AlarmRaised)[-1]
    assert (graver.grade, graver.alarm_id) == ("freeze", raised[0].alarm_id)
    assert graver.unit_ids == [unit.unit_id for unit in units]
    assert graver.lot_ids == [LOT]
    assert graver.facts["taken_g"] == 4 * UNIT_MASS_G
    assert {item.split(":")[0] for item in graver.evidence_ids} == {"reader", "scale"}
    assert told(tx, VehicleLeft)[-1].vehicle_id == "truck-a"
    [alarm] = await twin.alarms(tx, SITE, active_only=True)
    assert {item.modality for item in alarm.evidence} == {"tag", "mass"}
    assert alarm.text_key == "alarm.exit_without_release", "it stands there: nothing has left"
    states = await twin.unit_states(tx, graver.unit_ids)
    assert {(state.alarm_grade, state.level) for state in states} == {("freeze", "missing")}


async def test_a_truck_that_turns_back_brings_verified_stock_back_with_it(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(4)]
    await announce(tx, units)
    await receive(tx, day, units)
    before = await twin.verified_stock(tx, LOT)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 4 * UNIT_MASS_G)
    await apply(tx, day)
    assert told(tx, AlarmRaised)[-1].grade == "freeze"
    assert (await twin.verified_stock(tx, LOT)).unit_count_low == 0
    day.turn_back(truck_tag(2), tags)
    await apply(tx, day)
    back = told(tx, UnitCrossed)[-4:]
    assert {event.direction for event in back} == {"in"}
    day.unload(tags)
    await apply(tx, day)
    after = await twin.verified_stock(tx, LOT)
    assert after.unit_count_low == before.unit_count_low == 4
    assert set(after.modalities) == {"tag", "mass", "position"}
    assert after.modalities["tag"] > before.modalities["tag"]
    [alarm] = await twin.alarms(tx, SITE)
    assert (alarm.state, alarm.grade) == ("active", "freeze"), "only people clear it"
    assert alarm.text_key == "alarm.exit_without_release_returned"


async def test_goods_that_come_to_the_boom_twice_do_not_weigh_double(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(4)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    somewhat_lighter_g = TARE_G + 4 * UNIT_MASS_G - UNIT_MASS_G // 2
    for _ in range(2):
        day.drive_to_barrier(truck_tag(2), tags, somewhat_lighter_g)
        day.turn_back(truck_tag(2), tags)
        await apply(tx, day)
    first = (await twin.alarms(tx, SITE))[-1]
    assert first.facts["expected_g"] == 4 * UNIT_MASS_G
    assert first.grade == "freeze", "less than half of their mass twice, but most of it once"


async def test_a_released_exit_raises_no_alarm_and_the_units_leave(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(4)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    await release(tx, day, units)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 4 * UNIT_MASS_G)
    await apply(tx, day)
    waiting = told(tx, VehicleAtGate)[-1]
    assert waiting.direction == "out"
    assert waiting.unit_ids == [unit.unit_id for unit in units]
    assert (waiting.mass_g, waiting.entry_mass_g) == (TARE_G + 4 * UNIT_MASS_G, TARE_G)
    day.pass_barrier()
    await apply(tx, day)
    left = told(tx, VehicleLeft)[-1]
    assert (left.vehicle_id, left.unit_ids) == ("truck-b", [unit.unit_id for unit in units])
    assert told(tx, AlarmRaised) == []
    stock = await twin.verified_stock(tx, LOT)
    assert (stock.unit_count_low, stock.unit_count_high) == (0, 0)
    states = await twin.unit_states(tx, left.unit_ids)
    assert {(state.place, state.level) for state in states} == {("left", "seen")}
    assert await twin.scene_units(tx, SITE) == []
    assert await twin.vehicles(tx, SITE) == []


async def release(
    tx: PgTx, day: Day, units: list, vehicle_id: str = "truck-b", mass_g: int | None = None
) -> None:
    await twin.expect_departure(
        tx,
        ExpectedDeparture(
            release_id="release-1",
            site_id=SITE,
            gate_id=GATE,
            vehicle_id=vehicle_id,
            unit_ids=[unit.unit_id for unit in units],
            valid_from=day.at,
            valid_until=day.at + timedelta(minutes=30),
            mass_g=mass_g,
        ),
    )


async def test_a_release_for_another_truck_lets_nothing_out(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(4)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    await release(tx, day, units, vehicle_id="truck-a")
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 4 * UNIT_MASS_G)
    await apply(tx, day)
    assert told(tx, AlarmRaised)[-1].grade == "freeze"
    day.pass_barrier()
    await apply(tx, day)
    [alarm] = await twin.alarms(tx, SITE, active_only=True)
    assert alarm.text_key == "alarm.exit_without_release_left"


async def test_a_cancelled_release_lets_nothing_out(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(4)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    await release(tx, day, units)
    await twin.cancel_departure(tx, "release-1")
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 4 * UNIT_MASS_G)
    await apply(tx, day)
    assert told(tx, AlarmRaised)[-1].grade == "freeze"


async def test_released_goods_with_a_mass_that_differs_are_checked(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(4)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    await release(tx, day, units)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 6 * UNIT_MASS_G)
    await apply(tx, day)
    alarm = told(tx, AlarmRaised)[-1]
    assert (alarm.kind, alarm.grade) == ("exit_mass_differs", "check")


async def loaded_and_released(tx: PgTx, day: Day, count: int) -> list[str]:
    """So many units stand on truck B, released to it. Returns their tags."""
    units = [a_unit(number) for number in range(count)]
    await announce(tx, units)
    await receive(tx, day, units)
    await load_truck_b(tx, day, tags_of(units))
    await release(tx, day, units)
    await apply(tx, day)
    return tags_of(units)


async def test_a_released_exit_raises_no_alarm_at_any_moment_of_its_tags_being_read(
    tx: PgTx, day: Day
) -> None:
    """Every observation is folded alone: a truck weighs all it carries before the first tag has crossed."""
    tags = await loaded_and_released(tx, day, 11)
    day.hear([truck_tag(2), *tags[:9]], INNER)
    day.weigh(TARE_G + 11 * UNIT_MASS_G)
    day.wait(5)
    day.boom(is_open=True, loop=True)
    for tag in [truck_tag(2), *tags]:
        day.hear([tag], OUTER, rounds=3)
    day.boom(is_open=True, loop=False)
    day.hear(tags, OUTER)
    for observation in day.take():
        await twin.apply(tx, envelopes([observation]))
    assert told(tx, VehicleLeft)[-1].vehicle_id == "truck-b"
    assert told(tx, AlarmRaised) == []


@pytest.mark.parametrize(("unread_count", "alarms"), [(0, []), (1, []), (2, [["tags_unread"]])])
async def test_a_released_load_may_leave_with_one_tag_in_ten_unread_and_not_with_more(
    tx: PgTx, day: Day, unread_count: int, alarms: list[list[str]]
) -> None:
    tags = await loaded_and_released(tx, day, 11)
    day.drive_to_barrier(truck_tag(2), tags[unread_count:], TARE_G + 11 * UNIT_MASS_G)
    await apply(tx, day)
    assert told(tx, AlarmRaised) == [], "it still stands there and may be heard"
    day.pass_barrier()
    await apply(tx, day)
    raised = told(tx, AlarmRaised)
    assert {(alarm.kind, alarm.grade) for alarm in raised} <= {("exit_mass_differs", "check")}
    assert [alarm.facts["reasons"] for alarm in raised] == alarms


@pytest.mark.parametrize(
    ("gained", "is_heard", "alarms"),
    [
        (2, False, [["tags_unread"]]),
        (None, False, [["tags_unread"]]),
        (0, False, []),
        (2, True, []),
    ],
)
async def test_a_released_load_of_which_no_tag_was_heard_raises_an_alarm_when_its_truck_has_left(
    tx: PgTx, day: Day, gained: int | None, is_heard: bool, alarms: list[list[str]]
) -> None:
    """Goods with shielded tags may have left in its place; a truck as light as it came took nothing."""
    tags = await loaded_and_released(tx, day, 2)
    aboard = [truck_tag(2), *(tags if is_heard else [])]
    day.hear(aboard, INNER)
    if gained is not None:
        day.weigh(TARE_G + gained * UNIT_MASS_G)
    day.wait(5)
    day.hear(aboard, OUTER)
    await apply(tx, day)
    assert told(tx, AlarmRaised) == [], "it still stands there and may be heard"
    day.pass_barrier()
    await apply(tx, day)
    raised = told(tx, AlarmRaised)
    assert {(alarm.kind, alarm.grade) for alarm in raised} <= {("exit_mass_differs", "check")}
    assert [alarm.facts["reasons"] for alarm in raised] == alarms
    assert all(alarm.unit_ids == ["unit-0000", "unit-0001"] for alarm in raised)


async def test_released_goods_that_bear_no_tag_are_not_missed_by_the_gate(tx: PgTx, day: Day) -> None:
    units = [a_unit(0), *(msgspec.structs.replace(a_unit(number), epc_hex=None) for number in (1, 2, 3))]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    await release(tx, day, units)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 4 * UNIT_MASS_G)
    day.pass_barrier()
    await apply(tx, day)
    assert told(tx, VehicleLeft)[-1].vehicle_id == "truck-b"
    assert told(tx, AlarmRaised) == []


@pytest.mark.parametrize("beyond_tags_g", [1_500_000, -UNIT_MASS_G // 2])
async def test_what_a_release_says_it_weighs_counts_with_parcels_and_pallets_counted_short(
    tx: PgTx, day: Day, beyond_tags_g: int
) -> None:
    units = [a_unit(number) for number in range(3)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    mass_g = 3 * UNIT_MASS_G + beyond_tags_g
    await release(tx, day, units, mass_g=mass_g)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + mass_g)
    day.pass_barrier()
    await apply(tx, day)
    assert told(tx, VehicleLeft)[-1].vehicle_id == "truck-b"
    assert told(tx, AlarmRaised) == []


async def test_one_unreleased_pallet_among_released_ones_is_judged_with_the_first_tag_that_crosses(
    tx: PgTx, day: Day
) -> None:
    tags = await loaded_and_released(tx, day, 3)
    other = a_unit(11)
    await twin.declare_units(tx, [other])
    [taken] = tags_of([other])
    day.hear([truck_tag(2), *tags, taken], INNER)
    day.weigh(TARE_G + 4 * UNIT_MASS_G)
    day.wait(5)
    day.hear([truck_tag(2), taken], OUTER, rounds=2)
    await apply(tx, day)
    alarm = told(tx, AlarmRaised)[-1]
    assert (alarm.kind, alarm.grade, alarm.unit_ids) == ("exit_without_release", "freeze", [other.unit_id])


async def test_a_release_that_an_earlier_stay_used_vouches_for_nothing_more(tx: PgTx, day: Day) -> None:
    tags = await loaded_and_released(tx, day, 3)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 3 * UNIT_MASS_G)
    day.pass_barrier()
    day.wait(600)
    others = [a_unit(number) for number in (5, 6, 7)]
    await twin.declare_units(tx, others)
    day.unload(tags_of(others))
    await apply(tx, day)
    await load_truck_b(tx, day, tags_of(others))
    await twin.expect_departure(
        tx,
        ExpectedDeparture(
            release_id="release-2",
            site_id=SITE,
            gate_id=GATE,
            vehicle_id="truck-b",
            unit_ids=[unit.unit_id for unit in others],
            valid_from=day.at,
            valid_until=day.at + timedelta(minutes=30),
        ),
    )
    day.drive_to_barrier(truck_tag(2), tags_of(others), TARE_G + 6 * UNIT_MASS_G)
    await apply(tx, day)
    alarm = told(tx, AlarmRaised)[-1]
    assert (alarm.kind, alarm.facts["expected_g"]) == ("exit_mass_differs", 3 * UNIT_MASS_G)


async def test_a_truck_that_turns_back_before_it_is_heard_outside_may_leave_released_afterwards(
    tx: PgTx, day: Day
) -> None:
    """Its pallets were heard outside, its own tag only once: the first approach ends with the second."""
    units = [a_unit(number) for number in range(6)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags[:2])
    day.hear([truck_tag(2), *tags[:2]], INNER)
    day.weigh(TARE_G + 2 * UNIT_MASS_G)
    day.wait(5)
    day.hear(tags[:2], OUTER)
    day.hear([truck_tag(2)], OUTER, rounds=1)
    day.wait(6)
    day.hear([truck_tag(2), *tags[:2]], INNER)
    await apply(tx, day)
    [alarm] = await twin.alarms(tx, SITE)
    assert alarm.grade == "freeze"
    await close(tx, alarm.alarm_id, by="keeper-a", reason="put back")
    told_before = len(told(tx, AlarmRaised))
    day.wait(15)
    for tag in tags[2:]:
        day.lift(tag, SLOTS[0].centre)
        day.put(tag, DOCK)
    await release(tx, day, units)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 6 * UNIT_MASS_G)
    day.pass_barrier()
    for observation in day.take():
        await twin.apply(tx, envelopes([observation]))
    assert told(tx, VehicleLeft)[-1].unit_ids == [unit.unit_id for unit in units]
    assert told(tx, AlarmRaised)[told_before:] == []
    assert await twin.alarms(tx, SITE, active_only=True) == []


async def test_goods_going_out_with_no_vehicle_known_never_freeze(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    day.hear(tags, INNER)
    day.weigh(TARE_G + 2 * UNIT_MASS_G)
    day.wait(5)
    day.hear(tags, OUTER)
    await apply(tx, day)
    alarm = told(tx, AlarmRaised)[-1]
    assert (alarm.grade, alarm.vehicle_id) == ("restrict", None)
    assert alarm.unit_ids == [unit.unit_id for unit in units]


async def test_an_incident_stays_whole_when_its_end_alone_is_looked_at_again(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(3)]
    await announce(tx, units)
    await receive(tx, day, units)
    for tag in tags_of(units):
        day.hear([tag], INNER)
        day.wait(5)
        day.hear([tag], OUTER)
        day.wait(90)
    await apply(tx, day)
    # Ten minutes before this lie between the second unit and the third.
    day.wait(390)
    day.boom(is_open=False, loop=False)
    await apply(tx, day)
    [alarm] = await twin.alarms(tx, SITE)
    assert alarm.unit_ids == [unit.unit_id for unit in units]


async def test_a_delivery_that_weighs_too_little_is_checked_and_gives_no_mass(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(3)]
    await announce(tx, units)
    tags = tags_of(units)
    day.drive_in(truck_tag(1), tags, TARE_G + 2 * UNIT_MASS_G)
    day.unload(tags)
    day.drive_to_barrier(truck_tag(1), [], TARE_G)
    await apply(tx, day)
    assert told(tx, AlarmRaised) == [], "while the truck is here it may still unload"
    day.pass_barrier()
    await apply(tx, day)
    [alarm] = told(tx, AlarmRaised)
    assert (alarm.kind, alarm.grade) == ("delivery_mass_differs", "check")
    assert "mass" not in (await twin.verified_stock(tx, LOT)).modalities


async def test_a_unit_that_no_antenna_heard_coming_in_has_come_in_when_a_forklift_lifts_it(
    tx: PgTx, day: Day
) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    heard, missed = tags_of(units)
    day.drive_in(truck_tag(1), [heard], TARE_G + 2 * UNIT_MASS_G)
    day.lift(missed, DOCK)
    await apply(tx, day)
    inferred = told(tx, UnitCrossed)[-1]
    assert (inferred.unit_id, inferred.direction, inferred.is_direct) == (units[1].unit_id, "in", False)


async def test_a_unit_announced_and_never_seen_is_missing_when_its_truck_has_left(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    present, _ = tags_of(units)
    day.drive_in(truck_tag(1), [present], TARE_G + UNIT_MASS_G)
    day.unload([present])
    day.drive_to_barrier(truck_tag(1), [], TARE_G)
    day.pass_barrier()
    await apply(tx, day)
    [state] = await twin.unit_states(tx, [units[1].unit_id])
    assert state.level == "missing"
    found = await twin.discrepancies(tx, LOT)
    assert ("missing", "announced_not_seen", units[1].unit_id) in [
        (row.kind, row.cause, row.unit_id) for row in found
    ]
    assert {row.unit_id for row in found if row.kind == "mass"} == {units[1].unit_id}


async def test_a_tag_nobody_declared_is_told_once_and_counts_when_it_is_declared(tx: PgTx, day: Day) -> None:
    unit = a_unit(1)
    [tag] = tags_of([unit])
    day.hear([tag], OUTER)
    day.wait(5)
    day.hear([tag], INNER)
    await apply(tx, day)
    [unknown] = told(tx, TagUnknown)
    assert (unknown.epc_hex, unknown.device_id) == (tag, READER)
    day.hear([tag], INNER)
    await apply(tx, day)
    assert len(told(tx, TagUnknown)) == 1
    await twin.declare_units(tx, [unit])
    stock = await twin.verified_stock(tx, LOT)
    assert set(stock.modalities) == set()
    assert stock.unit_count_mid == 1
    assert (await twin.unit_states(tx, [unit.unit_id]))[0].level == "seen"


async def test_a_truck_waiting_behind_another_is_not_credited_with_its_pallets(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(3)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    await twin.declare_vehicle(tx, "truck-c", SITE, truck_tag(3), "TRUCK-3")
    day.drive_in(truck_tag(3), [], TARE_G)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 3 * UNIT_MASS_G)
    day.wait(15)
    day.hear([truck_tag(3)], INNER)
    day.hear([truck_tag(2), *tags], OUTER)
    await apply(tx, day)
    latest = {event.vehicle_id: event for event in told(tx, VehicleAtGate)}
    assert latest["truck-b"].unit_ids == [unit.unit_id for unit in units]
    assert latest["truck-c"].unit_ids == []


async def test_a_pallet_parked_by_the_portal_neither_crosses_nor_alarms(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    parked = tags_of(units)[0]
    await twin.declare_vehicle(tx, "truck-c", SITE, truck_tag(3), "TRUCK-3")
    day.drive_in(truck_tag(3), [], TARE_G)
    crossings = len(told(tx, UnitCrossed))
    for _ in range(12):
        day.hear([parked], INNER, rounds=2)
        day.wait(20)
    day.drive_to_barrier(truck_tag(3), [], TARE_G)
    day.hear([truck_tag(3)], OUTER, rounds=8)
    day.hear([parked], INNER)
    day.report(READER, TagRead(epc_hex=parked, antenna=OUTER, rssi_cdbm=-4500))
    day.hear([parked], INNER)
    await apply(tx, day)
    assert len(told(tx, UnitCrossed)) == crossings
    assert told(tx, AlarmRaised) == []
    assert told(tx, VehicleAtGate)[-1].unit_ids == []


async def test_the_newest_pose_wins_whatever_order_reports_come_in(tx: PgTx, day: Day) -> None:
    for x_m in (1.0, 2.0, 3.0):
        day.report(FORKLIFT, PositionReading(point=Point(x_m, 15.0), heading_deg=90.0))
        day.wait(0.5)
    newest, *older = reversed(day.take())
    await twin.apply(tx, envelopes([newest]))
    await twin.apply(tx, envelopes(older))
    [forklift] = await twin.assets(tx, SITE)
    assert (forklift.asset_id, forklift.point.x_m) == (FORKLIFT, 3.0)


async def test_a_withdrawn_alarm_is_told_as_cleared(tx: PgTx, day: Day) -> None:
    """Tags heard outside without a vehicle are checked; then the vehicle's own reads come late, with a
    release that covers all of it."""
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    await apply(tx, day)
    await release(tx, day, units)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 2 * UNIT_MASS_G)
    seen = day.take()
    of_truck = [item for item in seen if getattr(item.reading, "epc_hex", "") == truck_tag(2)]
    await twin.apply(tx, envelopes([item for item in seen if item not in of_truck]))
    assert [alarm.vehicle_id for alarm in told(tx, AlarmRaised)][-1] is None
    await twin.apply(tx, envelopes(of_truck))
    assert told(tx, AlarmCleared)[-1].cleared_by == ""
    assert await twin.alarms(tx, SITE, active_only=True) == []


async def test_fewer_than_announced_are_vouched_for_by_mass_and_the_difference_stays(
    tx: PgTx, day: Day
) -> None:
    came, absent = [a_unit(number) for number in range(3)], a_unit(3)
    await announce(tx, [*came, absent])
    await receive_what_came(tx, day, came)
    stock = await twin.verified_stock(tx, LOT)
    assert stock.modalities.keys() == {"tag", "mass", "position"}
    assert (stock.unit_count_low, stock.unit_count_high) == (3, 3)
    [weighed] = told(tx, DeliveryWeighed)
    assert not weighed.agrees
    kinds = {(row.kind, row.unit_id) for row in await twin.discrepancies(tx, LOT)}
    assert ("missing", absent.unit_id) in kinds


async def test_a_pallet_too_light_is_not_vouched_for_by_mass(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(3)]
    await announce(tx, units)
    await receive_what_came(tx, day, units, net_g=2 * UNIT_MASS_G)
    stock = await twin.verified_stock(tx, LOT)
    assert "mass" not in stock.modalities


async def receive_what_came(
    tx: PgTx, day: Day, units: list[UnitDeclaration], net_g: int | None = None
) -> None:
    tags = tags_of(units)
    day.drive_in(truck_tag(1), tags, TARE_G + (UNIT_MASS_G * len(units) if net_g is None else net_g))
    day.unload(tags)
    day.drive_to_barrier(truck_tag(1), [], TARE_G)
    day.pass_barrier()
    day.wait(60)
    await apply(tx, day)


async def test_a_parked_tag_heard_with_the_empty_truck_is_not_taken_out_by_it(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    day.drive_in(truck_tag(1), tags_of(units), TARE_G + 2 * UNIT_MASS_G)
    day.unload(tags_of(units))
    day.wait(200)
    day.hear(tags_of(units)[:1], INNER)
    day.drive_to_barrier(truck_tag(1), [], TARE_G)
    day.pass_barrier()
    await apply(tx, day)
    [left] = told(tx, VehicleLeft)
    assert left.unit_ids == []
    assert (await twin.verified_stock(tx, LOT)).unit_count_mid == 2


async def test_a_set_down_told_in_wgs84_is_in_its_slot(tx: PgTx, day: Day) -> None:
    units = [a_unit(0)]
    await announce(tx, units)
    await receive(tx, day, units)
    [tag] = tags_of(units)
    day.lift(tag, DOCK)
    day.put_by_satellite(tag, SLOTS[3].centre)
    await apply(tx, day)
    [state] = await twin.unit_states(tx, [units[0].unit_id])
    assert state.slot_id == SLOTS[3].slot_id


async def test_a_forged_set_down_does_not_bring_back_what_the_gate_saw_go_out(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 2 * UNIT_MASS_G)
    day.pass_barrier()
    day.wait(60)
    for tag, slot in zip(tags, SLOTS, strict=False):
        day.put(tag, slot.centre)
    await apply(tx, day)
    stock = await twin.verified_stock(tx, LOT)
    assert (stock.unit_count_low, stock.unit_count_high) == (0, 0)
    states = await twin.unit_states(tx, [unit.unit_id for unit in units])
    assert {(state.place, state.slot_id) for state in states} == {("left", None)}
    causes = [row.cause for row in await twin.discrepancies(tx, LOT)]
    assert causes.count("seen_after_exit") == 2
    doubted = [alarm for alarm in told(tx, AlarmRaised) if alarm.kind == "seen_after_exit"]
    assert {alarm.grade for alarm in doubted} == {"check"}
    assert doubted[-1].unit_ids == [unit.unit_id for unit in units]
    assert len({alarm.alarm_id for alarm in doubted}) == 1


@pytest.mark.parametrize(
    ("not_accepted", "seen_by"),
    [
        ({READER}, {"position", "mass"}),
        ({SCALE}, {"position", "tag"}),
        ({FORKLIFT}, {"tag", "mass"}),
        ({READER, SCALE, FORKLIFT, BARRIER}, set()),
    ],
)
async def test_a_device_that_nobody_else_accepted_is_no_evidence(
    tx: PgTx, day: Day, not_accepted: set[str], seen_by: set[str]
) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    tags = tags_of(units)
    day.drive_in(truck_tag(1), tags, TARE_G + 2 * UNIT_MASS_G)
    day.unload(tags)
    day.drive_to_barrier(truck_tag(1), [], TARE_G)
    await twin.apply(tx, envelopes(day.take(), not_accepted=not_accepted))
    stock = await twin.verified_stock(tx, LOT)
    assert set(stock.modalities) == seen_by
    assert stock.unit_count_low == (2 if len(seen_by) > 1 else 0)


async def test_a_portal_that_nobody_else_accepted_brings_nothing_back_and_still_raises_the_alarm(
    tx: PgTx, day: Day
) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 2 * UNIT_MASS_G)
    await twin.apply(tx, envelopes(day.take(), not_accepted={READER}))
    assert [alarm.grade for alarm in told(tx, AlarmRaised)][-1] == "freeze"
    day.pass_barrier()
    day.wait(60)
    day.hear(tags, OUTER)
    day.wait(2)
    day.hear(tags, INNER)
    for tag, slot in zip(tags, SLOTS, strict=False):
        day.put(tag, slot.centre)
    await twin.apply(tx, envelopes(day.take(), not_accepted={READER}))
    stock = await twin.verified_stock(tx, LOT)
    assert (stock.unit_count_low, stock.unit_count_high) == (0, 0)


async def test_the_old_weighing_counts_again_only_if_the_barrier_stayed_shut(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 2 * UNIT_MASS_G)
    day.wait(5)
    opened = Day(day.at)
    day.turn_back(truck_tag(2), tags)
    day.unload(tags)
    await apply(tx, day)
    assert set((await twin.verified_stock(tx, LOT)).modalities) == {"tag", "mass", "position"}
    opened._sequences = {"barrier": 1_000}
    opened.boom(is_open=True, loop=False)
    opened.wait(2)
    opened.boom(is_open=False, loop=False)
    await apply(tx, opened)
    assert set((await twin.verified_stock(tx, LOT)).modalities) == {"tag", "position"}


async def test_a_notice_of_almost_no_mass_is_not_vouched_for_by_a_truck_that_brought_nothing(
    tx: PgTx, day: Day
) -> None:
    units = [msgspec.structs.replace(a_unit(number), expected_mass_g=10_000) for number in range(3)]
    await announce(tx, units, expected_net_g=30_000)
    await receive_what_came(tx, day, units, net_g=0)
    stock = await twin.verified_stock(tx, LOT)
    assert set(stock.modalities) == {"tag", "position"}
    assert stock.mass_g_mid is None
    assert told(tx, AlarmRaised) == [], "nor does it contradict the notice"


async def test_set_downs_alone_never_raise_what_is_sure(tx: PgTx, day: Day) -> None:
    """Opening stock that one forklift claims to have put away: no gate heard it, no scale weighed it."""
    units = [a_unit(number) for number in range(12)]
    await twin.declare_units(tx, units)
    day.unload(tags_of(units))
    await apply(tx, day)
    stock = await twin.verified_stock(tx, LOT)
    assert (stock.unit_count_low, stock.mass_g_low) == (0, None)
    assert stock.unit_count_mid > 0
    assert stock.modalities == {}


async def crossed_out_alone(tx: PgTx, day: Day) -> list[str]:
    """Two put-away units go out on something that bears no tag; the barrier has done nothing yet."""
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    day.hear(tags, INNER)
    day.wait(5)
    day.hear(tags, OUTER)
    await apply(tx, day)
    assert told(tx, AlarmRaised)[-1].grade == "check"
    return [unit.unit_id for unit in units]


async def test_goods_on_an_undeclared_vehicle_freeze_when_it_passes_the_loop(tx: PgTx, day: Day) -> None:
    unit_ids = await crossed_out_alone(tx, day)
    first = told(tx, AlarmRaised)[-1]
    day.hear(tags_of([a_unit(0), a_unit(1)]), OUTER, rounds=4 * 120)
    day.pass_barrier()
    await apply(tx, day)
    graver = told(tx, AlarmRaised)[-1]
    assert (graver.alarm_id, graver.grade, graver.unit_ids) == (first.alarm_id, "freeze", unit_ids)
    assert graver.facts["modalities"] == ["tag", "position"]
    assert {item.split(":")[0] for item in graver.evidence_ids} == {"reader", "barrier"}


@pytest.mark.parametrize(("by", "state"), [("", "active"), ("keeper-a", "cleared")])
async def test_what_was_withdrawn_and_is_found_again_unchanged_is_an_alarm_again(
    tx: PgTx, day: Day, by: str, state: str
) -> None:
    """Late readings may take the ground of an alarm away for a while; what a person cleared stays cleared."""
    await crossed_out_alone(tx, day)
    [alarm] = await twin.alarms(tx, SITE, active_only=True)
    await close(tx, alarm.alarm_id, by=by, reason="withdrawn")
    day.boom(is_open=False, loop=False)
    await apply(tx, day)
    [after] = await twin.alarms(tx, SITE)
    assert (after.alarm_id, after.state) == (alarm.alarm_id, state)


async def test_a_known_vehicle_driving_in_after_it_is_not_the_passage_of_the_goods(
    tx: PgTx, day: Day
) -> None:
    await crossed_out_alone(tx, day)
    await twin.declare_vehicle(tx, "truck-c", SITE, truck_tag(3), "TRUCK-3")
    day.wait(3)
    day.drive_in(truck_tag(3), [], TARE_G)
    await apply(tx, day)
    assert {alarm.grade for alarm in told(tx, AlarmRaised)} <= {"check", "restrict"}


async def test_goods_that_leave_with_a_vehicle_never_weighed_freeze(tx: PgTx, day: Day) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    day.hear([truck_tag(2), *tags], INNER)
    day.wait(5)
    day.hear([truck_tag(2), *tags], OUTER)
    await apply(tx, day)
    assert told(tx, AlarmRaised)[-1].grade == "check"
    day.pass_barrier()
    day.wait(60)
    await apply(tx, day)
    alarm = told(tx, AlarmRaised)[-1]
    assert (alarm.grade, alarm.vehicle_id) == ("freeze", "truck-b")


@pytest.mark.parametrize("is_cleared", [False, True])
async def test_a_released_exit_does_not_raise_an_earlier_alarm_about_the_same_units_again(
    tx: PgTx, day: Day, is_cleared: bool
) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 2 * UNIT_MASS_G)
    day.turn_back(truck_tag(2), tags)
    day.unload(tags)
    await apply(tx, day)
    raised = len(told(tx, AlarmRaised))
    [alarm] = await twin.alarms(tx, SITE)
    if is_cleared:
        await close(tx, alarm.alarm_id, by="keeper-a", reason="put back")
    day.wait(120)
    for tag, slot in zip(tags, SLOTS, strict=False):
        day.lift(tag, slot.centre)
        day.put(tag, DOCK)
    await release(tx, day, units)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 2 * UNIT_MASS_G)
    day.pass_barrier()
    day.wait(60)
    await apply(tx, day)
    assert len(told(tx, AlarmRaised)) == raised
    [after] = await twin.alarms(tx, SITE)
    assert after.state == ("cleared" if is_cleared else "active")


@pytest.mark.parametrize("is_weighed", [True, False])
async def test_goods_that_no_outer_antenna_heard_are_checked_when_their_vehicle_has_left(
    tx: PgTx, day: Day, is_weighed: bool
) -> None:
    """The outer antenna hears the truck alone, or nothing: the twin has them gone with it all the same."""
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    day.wait(300)
    day.hear([truck_tag(2), *tags], INNER)
    if is_weighed:
        day.weigh(TARE_G + 2 * UNIT_MASS_G)
    else:
        day.hear([truck_tag(2)], OUTER)
    await apply(tx, day)
    assert told(tx, AlarmRaised) == [], "it may still turn back"
    day.pass_barrier()
    day.wait(60)
    await apply(tx, day)
    alarm = told(tx, AlarmRaised)[-1]
    assert (alarm.kind, alarm.grade, alarm.vehicle_id) == ("exit_without_release", "check", "truck-b")
    assert (alarm.unit_ids, alarm.facts["reasons"]) == (
        [unit.unit_id for unit in units],
        ["left_with_vehicle"],
    )
    [shown] = await twin.alarms(tx, SITE)
    heard = {item.summary for item in shown.evidence if item.modality == "tag"}
    assert heard == {f"{tag} by" for tag in tags}
    states = await twin.unit_states(tx, alarm.unit_ids)
    assert {(state.level, state.alarm_grade) for state in states} == {("missing", "check")}


async def test_released_goods_that_no_outer_antenna_heard_leave_without_an_alarm(tx: PgTx, day: Day) -> None:
    tags = await loaded_and_released(tx, day, 2)
    day.wait(300)
    day.hear([truck_tag(2), *tags], INNER)
    day.weigh(TARE_G + 2 * UNIT_MASS_G)
    day.pass_barrier()
    day.wait(60)
    await apply(tx, day)
    assert len(told(tx, VehicleLeft)[-1].unit_ids) == 2
    assert told(tx, AlarmRaised) == []


async def test_a_gate_without_a_weighbridge_checks_what_goes_out_and_no_other_scale_makes_it_graver(
    tx: PgTx, day: Day
) -> None:
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    gate = msgspec.structs.replace(a_layout().gates[0], lane_weighbridge_id=None)
    layout = msgspec.structs.replace(a_layout(), gates=[gate])
    await twin.import_layout(ImportLayout(layout=layout, keeper_party_id="keeper-t"), tx)
    tags = tags_of(units)
    await load_truck_b(tx, day, tags)
    day.drive_to_barrier(truck_tag(2), tags, TARE_G + 2 * UNIT_MASS_G)
    await apply(tx, day)
    assert {alarm.grade for alarm in told(tx, AlarmRaised)} == {"check"}


async def test_what_was_carried_out_where_no_gate_hears_is_vouched_for_no_longer_as_it_ages(
    tx: PgTx, day: Day
) -> None:
    """No alarm: nothing was seen. What was last seen stays as old as it is, and lends less with each hour."""
    units = [a_unit(number) for number in range(2)]
    await announce(tx, units)
    await receive(tx, day, units)
    before = await twin.verified_stock(tx, LOT)
    day.wait(8 * 24 * 3600)
    day.report(FORKLIFT, PositionReading(point=Point(1.0, 15.0)))
    await apply(tx, day)
    after = await twin.verified_stock(tx, LOT)
    assert after.modalities == before.modalities, "none of it is younger"
    assert max(after.modalities.values()) < day.at - timedelta(days=7)
