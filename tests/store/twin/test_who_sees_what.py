"""Row-level security of the twin: keepers see the site, banks and owners their lots, nobody else anything."""

from datetime import datetime, timedelta

import pytest

from app.database import PgTx
from identity.api import grant_access
from kernel.errors import Conflict, Invalid, NotFound
from kernel.geometry import Point
from kernel.messages import PositionReading, StockClaimed
from tests.conftest import START
from tests.store.twin.choreography import (
    FORKLIFT,
    GATE,
    LOT,
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
from twin.messages import AcknowledgeAlarm, ClearAlarm, ExpectedDeparture, ImportLayout, LayoutImported

OTHER_LOT = "lot-other"
UNITS = [a_unit(1), a_unit(2), a_unit(3, OTHER_LOT, "keeper-t")]


@pytest.fixture
async def day(tx: PgTx) -> Day:
    """A site with an alarm on a truck that carries pallets of two owners, a forklift and a person."""
    await open_site(tx)
    await grant_access(tx, "bank-t", LOT, cause="a pledge")
    day = Day(START + timedelta(minutes=1))
    await announce(tx, UNITS)
    await receive(tx, day, UNITS)
    await twin.declare_vehicle(tx, "truck-b", SITE, truck_tag(2), "TRUCK-2")
    day.drive_in(truck_tag(2), [], TARE_G)
    for tag in tags_of(UNITS):
        day.lift(tag, SLOTS[0].centre)
    day.report(FORKLIFT, PositionReading(point=Point(20.0, 15.0)))
    day.report("tag-of-somebody", PositionReading(point=Point(21.0, 15.0)))
    day.drive_to_barrier(truck_tag(2), tags_of(UNITS), TARE_G + 3 * UNIT_MASS_G)
    await twin.apply(tx, envelopes(day.take()))
    return day


async def test_the_keeper_sees_all_of_it_and_people_under_a_pseudonym(day: Day, as_caller) -> None:
    async with as_caller("keeper-t", "keeper", reading=True) as read:
        assert len(await twin.scene_units(read, SITE)) == 3
        labels = {asset.kind: asset.label for asset in await twin.assets(read, SITE)}
        assert labels["forklift"] == FORKLIFT
        assert labels["person"].startswith("person-")
        assert "somebody" not in str(await twin.assets(read, SITE))
        [alarm] = await twin.alarms(read, SITE)
        assert alarm.lot_ids == sorted([LOT, OTHER_LOT])
        assert (await twin.layout_of(read, SITE)) == a_layout()


async def test_a_bank_sees_its_lots_and_no_people_vehicles_or_other_owners_goods(day: Day, as_caller) -> None:
    async with as_caller("bank-t", "officer", reading=True) as read:
        assert {unit.lot_id for unit in await twin.scene_units(read, SITE)} == {LOT}
        assert {asset.kind for asset in await twin.assets(read, SITE)} == {"forklift", "truck"}
        assert await twin.vehicles(read, SITE) == []
        assert await twin.weighbridges(read, SITE) == []
        [alarm] = await twin.alarms(read, SITE)
        assert alarm.lot_ids == [LOT]
        assert alarm.unit_ids == ["unit-0001", "unit-0002"]
        heard = {item.summary.split()[0] for item in alarm.evidence if item.modality == "tag"}
        assert heard == set(tags_of([a_unit(1), a_unit(2)]))
        with pytest.raises(NotFound):
            await twin.verified_stock(read, OTHER_LOT)
        detail = await twin.unit_detail(read, SITE, "unit-0001")
        assert detail.sightings[0].kind == "tag_read"
        with pytest.raises(NotFound):
            await twin.unit_detail(read, SITE, "unit-0003")


async def test_an_owner_sees_its_own_goods_and_a_stranger_nothing(day: Day, as_caller) -> None:
    async with as_caller("owner-t", "borrower", reading=True) as read:
        assert {lot.lot_id for lot in await twin.lots(read, SITE, None, 10)} == {LOT}
    async with as_caller("nobody", "officer", reading=True) as read:
        assert await twin.scene_units(read, SITE) == []
        assert await twin.assets(read, SITE) == []
        assert await twin.alarms(read, SITE) == []
        assert await twin.barriers(read, SITE) == []
        with pytest.raises(NotFound):
            await twin.layout_of(read, SITE)


async def test_only_the_keeper_acknowledges_and_clears_an_alarm(day: Day, tx: PgTx, as_caller) -> None:
    [alarm] = await twin.alarms(tx, SITE)
    acknowledge = twin.COMMANDS[AcknowledgeAlarm]
    clear = twin.clear_alarm
    async with as_caller("bank-t", "operator") as other:
        with pytest.raises(NotFound):
            await acknowledge(AcknowledgeAlarm(alarm_id=alarm.alarm_id), other)
    day.turn_back(truck_tag(2), tags_of(UNITS))
    await twin.apply(tx, envelopes(day.take()))
    async with as_caller("keeper-t", "keeper", person_id="keeper-a") as keeper:
        await acknowledge(AcknowledgeAlarm(alarm_id=alarm.alarm_id), keeper)
        with pytest.raises(Invalid):
            await clear(ClearAlarm(alarm_id=alarm.alarm_id, reason="  "), keeper)
        await clear(ClearAlarm(alarm_id=alarm.alarm_id, reason="counted by hand"), keeper)
    async with as_caller("keeper-t", "keeper", reading=True) as read:
        [closed] = await twin.alarms(read, SITE)
    assert (closed.state, closed.acknowledged_by) == ("cleared", "keeper-a")
    states = await twin.unit_states(tx, alarm.unit_ids)
    assert {state.alarm_grade for state in states} == {None}


async def test_an_alarm_that_stops_money_is_not_cleared_while_any_of_its_goods_is_gone(
    day: Day, tx: PgTx, as_caller
) -> None:
    [alarm] = await twin.alarms(tx, SITE)
    assert alarm.grade == "freeze"
    clear = ClearAlarm(alarm_id=alarm.alarm_id, reason="all is well")
    for back, gone in (([], alarm.unit_ids), (UNITS[:2], ["unit-0003"])):
        day.turn_back(truck_tag(2), tags_of(back))
        await twin.apply(tx, envelopes(day.take()))
        with pytest.raises(Conflict) as refused:
            async with as_caller("keeper-t", "keeper") as keeper:
                await twin.clear_alarm(clear, keeper)
        assert (refused.value.key, refused.value.facts["unit_ids"]) == ("twin.goods_gone", gone)
    assert [row.state for row in await twin.alarms(tx, SITE)] == ["active"]
    day.turn_back(truck_tag(2), tags_of(UNITS[2:]))
    await twin.apply(tx, envelopes(day.take()))
    async with as_caller("keeper-t", "keeper") as keeper:
        await twin.clear_alarm(clear, keeper)
    assert await twin.alarms(tx, SITE, active_only=True) == []


async def test_an_alarm_from_tags_alone_is_not_cleared_either_while_its_goods_are_gone(
    day: Day, tx: PgTx, as_caller
) -> None:
    """Money stops at it: a word of the keeper brings neither the goods back nor the money."""
    day.turn_back(truck_tag(2), tags_of(UNITS))
    await twin.apply(tx, envelopes(day.take()))
    [before] = await twin.alarms(tx, SITE)
    async with as_caller("keeper-t", "keeper") as keeper:
        await twin.clear_alarm(ClearAlarm(alarm_id=before.alarm_id, reason="put back"), keeper)
    day.wait(1200)
    day.hear(tags_of(UNITS), 2)
    day.wait(5)
    day.hear(tags_of(UNITS), 1)
    await twin.apply(tx, envelopes(day.take()))
    [alarm] = await twin.alarms(tx, SITE, active_only=True)
    assert (alarm.grade, alarm.vehicle_id) == ("check", None)
    clear = ClearAlarm(alarm_id=alarm.alarm_id, reason="a false alarm")
    with pytest.raises(Conflict) as refused:
        async with as_caller("keeper-t", "keeper") as keeper:
            await twin.clear_alarm(clear, keeper)
    assert (refused.value.key, refused.value.facts["unit_ids"]) == ("twin.goods_gone", alarm.unit_ids)
    day.hear(tags_of(UNITS), 2)
    await twin.apply(tx, envelopes(day.take()))
    async with as_caller("keeper-t", "keeper") as keeper:
        await twin.clear_alarm(clear, keeper)


async def test_goods_that_are_gone_may_be_released_since_and_a_cancelled_release_does_not_count(
    day: Day, tx: PgTx, as_caller
) -> None:
    [alarm] = await twin.alarms(tx, SITE)
    clear = ClearAlarm(alarm_id=alarm.alarm_id, reason="released since")
    await twin.expect_departure(tx, _release("before", START, alarm.unit_ids))
    await twin.expect_departure(tx, _release("cancelled", day.at, alarm.unit_ids))
    await twin.cancel_departure(tx, "cancelled")
    await twin.expect_departure(tx, _release("of-two", day.at, alarm.unit_ids[:2]))
    with pytest.raises(Conflict) as refused:
        async with as_caller("keeper-t", "keeper") as keeper:
            await twin.clear_alarm(clear, keeper)
    assert refused.value.facts["unit_ids"] == alarm.unit_ids[2:]
    await twin.expect_departure(tx, _release("of-the-third", day.at, alarm.unit_ids[2:]))
    async with as_caller("keeper-t", "keeper") as keeper:
        await twin.clear_alarm(clear, keeper)


def _release(release_id: str, valid_from: datetime, unit_ids: list[str]) -> ExpectedDeparture:
    return ExpectedDeparture(
        release_id=release_id,
        site_id=SITE,
        gate_id=GATE,
        vehicle_id="truck-b",
        unit_ids=unit_ids,
        valid_from=valid_from,
        valid_until=valid_from + timedelta(seconds=30),
    )


async def test_more_of_the_same_evidence_does_not_open_an_alarm_that_a_person_closed(
    day: Day, tx: PgTx, as_caller
) -> None:
    [alarm] = await twin.alarms(tx, SITE)
    later = day.at + timedelta(hours=1)
    await twin.expect_departure(tx, _release("since", later, alarm.unit_ids))
    async with as_caller("keeper-t", "keeper") as keeper:
        await twin.clear_alarm(ClearAlarm(alarm_id=alarm.alarm_id, reason="seen to"), keeper)
    day.hear([truck_tag(2), *tags_of([a_unit(1), a_unit(2)])], 1)
    await twin.apply(tx, envelopes(day.take()))
    assert await twin.alarms(tx, SITE, active_only=True) == []


async def test_a_tag_is_on_one_thing_only(day: Day, tx: PgTx) -> None:
    [tag] = tags_of([a_unit(1)])
    with pytest.raises(Conflict):
        await twin.declare_vehicle(tx, "truck-z", SITE, tag, "TRUCK-Z")
    same_tag = a_unit(9)
    with pytest.raises(Conflict) as refused:
        await twin.declare_units(tx, [_with_tag(same_tag, tag)])
    assert refused.value.key == "twin.tag_in_use"
    with pytest.raises(Invalid):
        await twin.declare_units(tx, [_with_tag(a_unit(10), "AB"), _with_tag(a_unit(11), "ab")])


def _with_tag(unit, tag: str):
    return type(unit)(**{**{name: getattr(unit, name) for name in unit.__struct_fields__}, "epc_hex": tag})


async def test_claims_change_discrepancies_and_never_the_count(day: Day, tx: PgTx) -> None:
    before = await twin.verified_stock(tx, OTHER_LOT)
    units = [a_unit(number, OTHER_LOT, "keeper-t") for number in range(20, 25)]
    await twin.declare_units(tx, units)
    claims = [
        StockClaimed(
            site_id=SITE, unit_id=unit.unit_id, slot_id=slot.slot_id, claimed_at=tx.now, cause="opening"
        )
        for unit, slot in zip(units, SLOTS, strict=False)
    ]
    await twin.declare_claims(tx, claims)
    after = await twin.verified_stock(tx, OTHER_LOT)
    assert (after.unit_count_low, after.unit_count_high) == (before.unit_count_low, before.unit_count_high)
    causes = [row.cause for row in await twin.discrepancies(tx, OTHER_LOT)]
    assert causes.count("claimed_never_seen") == 5
    gone = [
        StockClaimed(site_id=SITE, unit_id=unit.unit_id, slot_id=None, claimed_at=tx.now, cause="mistake")
        for unit in units
    ]
    await twin.declare_claims(tx, gone)
    assert "claimed_never_seen" not in [row.cause for row in await twin.discrepancies(tx, OTHER_LOT)]


async def test_a_layout_has_versions_and_one_keeper(day: Day, tx: PgTx) -> None:
    import_layout = twin.import_layout
    again: LayoutImported = await import_layout(
        ImportLayout(layout=a_layout(), keeper_party_id="keeper-t"), tx
    )
    assert again.version == 1
    taller = type(a_layout())(
        **{**{n: getattr(a_layout(), n) for n in a_layout().__struct_fields__}, "height_mm": 12_000}
    )
    newer: LayoutImported = await import_layout(ImportLayout(layout=taller, keeper_party_id="keeper-t"), tx)
    assert newer.version == 2
    with pytest.raises(Conflict):
        await import_layout(ImportLayout(layout=taller, keeper_party_id="bank-t"), tx)


async def test_the_change_feed_names_what_this_transaction_changed(day: Day, tx: PgTx) -> None:
    xid = int(await tx.value("SELECT pg_current_xact_id()::text"))
    assert {unit.unit_id for unit in await twin.changed_units(tx, SITE, xid, xid + 1)} == {
        "unit-0001",
        "unit-0002",
        "unit-0003",
    }
    assert len(await twin.alarms_changed(tx, SITE, xid, xid + 1)) == 1
    assert {asset.kind for asset in await twin.changed_assets(tx, SITE, xid, xid + 1)} == {
        "forklift",
        "person",
        "truck",
    }
    assert await twin.changed_units(tx, SITE, xid + 1, xid + 2) == []
