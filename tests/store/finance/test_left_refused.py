"""A vehicle that leaves past the gate's refusal stops the money of every pledge at the site."""

import pytest

from devices.messages import CLOCK_AHEAD_MAX
from finance.messages import PledgeReceipt, ProposeDrawdown, ReleasePledge, RepayLoan
from kernel.errors import Conflict
from kernel.messages import BarrierState, MassReading, TagRead
from tests.store.finance.conftest import BANK, KEEPER, OWNER, PALLET_G, TRUCK_G, Lot, Story
from tests.store.finance.test_lending import drawn, due, pledge_of
from twin.alarms.unexplained import SETTLES
from twin.api import alarms
from twin.messages import AlarmRow, ClearAlarm
from twin.visits.model import LEAVES_WITHIN
from wms.api import tell_what_left_unseen
from wms.dispatch.before import GONE_AFTER
from wms.messages import MoveBarrierByHand

BARRIER = "gate-1-barrier"
CLOCK_AHEAD_S = CLOCK_AHEAD_MAX.seconds


@pytest.fixture
async def lot(story: Story) -> Lot:
    """Twelve pallets."""
    return await story.receive()


async def turned_by_its_key(story: Story) -> None:
    """Somebody turns the key at the boom, and what stands before it passes the loop."""
    reports = [(1, True, False), (2, True, True), (5, True, False), (8, False, False), (40, False, False)]
    await story.observe(
        BARRIER,
        [
            (after, BarrierState(is_open=is_open, is_closed=not is_open, loop_occupied=loop))
            for after, is_open, loop in reports
        ],
    )
    story.clock.advance(30)
    await story.observe(BARRIER, [(1, BarrierState(is_open=False, is_closed=True, loop_occupied=False))])


async def active(story: Story) -> list[AlarmRow]:
    """The active alarms as the keeper sees them."""
    found: list[AlarmRow] = await story.read(
        KEEPER, lambda read: alarms(read, story.site_id, active_only=True)
    )
    return found


async def test_a_truck_too_heavy_that_leaves_unheard_stops_money_until_what_is_pledged_was_seen_again(
    story: Story, lot: Lot
) -> None:
    facility_id = await story.facility()
    await story.pledged(lot, facility_id)
    truck = await story.visit()
    await story.drive_out(truck, (), TRUCK_G + 2 * PALLET_G)
    assert await active(story) == [], "it stands there, and the gate is shut"
    await turned_by_its_key(story)
    [alarm] = await active(story)
    assert (alarm.kind, alarm.grade, alarm.unit_ids) == ("exit_refused", "check", [])
    assert (alarm.lot_ids, alarm.facts["refusal"]) == ([lot.lot_id], "gate.too_heavy")
    assert {item.modality for item in alarm.evidence} == {"position"}

    draw = ProposeDrawdown(facility_id=facility_id, amount_fen=100, maturity_on=due(story))
    with pytest.raises(Conflict, match=r"drawdown\.alarm_active") as refused:
        await story.do(draw, BANK, "officer-a")
    assert refused.value.facts["alarm_ids"] == [alarm.alarm_id]
    clear = ClearAlarm(alarm_id=alarm.alarm_id, reason="an empty tank was filled")
    story.clock.advance(CLOCK_AHEAD_S)
    await story.put_down(lot.pallets[:10])
    with pytest.raises(Conflict, match=r"twin\.goods_unseen") as unseen:
        await story.do(clear, KEEPER)
    assert unseen.value.facts["unit_ids"] == sorted(lot.unit_ids[10:])
    assert await active(story) == [alarm]
    await story.put_down(lot.pallets[10:])
    await story.do(clear, KEEPER)
    await story.do(draw, BANK, "officer-a")


async def test_a_cleared_alarm_of_an_exit_does_not_say_that_goods_are_here_which_were_not_seen_since(
    story: Story, lot: Lot
) -> None:
    facility_id = await story.facility()
    first = lot.unit_ids[:1]
    receipt_id = await story.receipt(lot, first)
    await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id), OWNER)
    await story.drive_out(await story.visit(), (), TRUCK_G + 2 * PALLET_G)
    await turned_by_its_key(story)
    story.clock.advance(CLOCK_AHEAD_S)
    await story.put_down(lot.pallets[:1])
    [alarm] = await active(story)
    await story.do(ClearAlarm(alarm_id=alarm.alarm_id, reason="the pledged pallet is here"), KEEPER)
    await drawn(story, facility_id, 100)
    rest = PledgeReceipt(receipt_id=await story.receipt(lot, lot.unit_ids[1:]), facility_id=facility_id)
    with pytest.raises(Conflict, match=r"facility\.goods_unseen_since_exit") as refused:
        await story.do(rest, OWNER)
    assert (refused.value.facts["gate_id"], refused.value.facts["count"]) == ("gate-1", 11)
    await story.put_down(lot.pallets[1:])
    await story.do(rest, OWNER)


async def test_no_pledge_is_given_back_under_an_exit_alarm_while_money_is_owed_on_what_stays(
    story: Story, lot: Lot
) -> None:
    facility_id = await story.facility()
    await story.pledged(lot, facility_id)
    more = await story.pledged(await story.receive(2), facility_id)
    loan_id = await drawn(story, facility_id, 100)
    await story.drive_out(await story.visit(), (), TRUCK_G + 2 * PALLET_G)
    await turned_by_its_key(story)
    release = ReleasePledge(pledge_id=await pledge_of(story, more))
    with pytest.raises(Conflict, match=r"drawdown\.alarm_active"):
        await story.do(release, BANK)
    await story.do(RepayLoan(loan_id=loan_id, amount_fen=100), BANK)
    await story.do(release, BANK)


async def test_a_truck_that_turns_back_from_a_refusal_has_taken_nothing(story: Story, lot: Lot) -> None:
    await story.pledged(lot, await story.facility())
    truck = await story.visit()
    await story.drive_out(truck, (), TRUCK_G + 2 * PALLET_G)
    await story.drive_in(truck, (), None)
    assert await active(story) == []


async def test_nobody_is_let_in_while_a_refused_truck_stands_before_the_gate(story: Story, lot: Lot) -> None:
    await story.pledged(lot, await story.facility())
    refused = await story.visit()
    story.clock.advance(1200)
    await story.hear([refused], antenna=2)
    await story.weigh(TRUCK_G + 2 * PALLET_G)
    story.clock.advance(120)
    await story.hear([await story.expected()], antenna=1)
    assert await last_decision(story) == (False, "gate.refused_at_gate")


async def test_who_waits_outside_comes_in_once_a_refused_truck_has_turned_back(
    story: Story, lot: Lot
) -> None:
    await story.pledged(lot, await story.facility())
    truck = await story.visit()
    await story.drive_out(truck, (), TRUCK_G + 12 * PALLET_G)
    waits = await story.expected()
    await story.hear([waits], antenna=1)
    assert await last_decision(story) == (False, "gate.refused_at_gate")
    await story.hear([truck], antenna=2)
    assert await last_decision(story) == (True, "gate.expected")


async def last_decision(story: Story) -> tuple[bool, str]:
    row = await story.tx.row(
        "SELECT opened, reason_key FROM wms.gate_decision ORDER BY decision_no DESC LIMIT 1"
    )
    assert row is not None
    return row["opened"], row["reason_key"]


async def test_what_a_refused_truck_may_have_taken_is_pledged_only_once_it_was_seen_again(
    story: Story, lot: Lot
) -> None:
    truck = await story.visit()
    await story.drive_out(truck, (), TRUCK_G + 2 * PALLET_G)
    await story.do(MoveBarrierByHand(device_id=BARRIER, action="open", reason="let it go"), KEEPER)
    await turned_by_its_key(story)
    [alarm] = await active(story)
    assert (alarm.kind, alarm.facts["refusal"], alarm.lot_ids) == ("exit_refused", "gate.too_heavy", [])
    await story.do(ClearAlarm(alarm_id=alarm.alarm_id, reason="nothing is missing"), KEEPER)
    pledge = PledgeReceipt(receipt_id=await story.receipt(lot), facility_id=await story.facility())
    with pytest.raises(Conflict, match=r"facility\.goods_unseen_since_exit"):
        await story.do(pledge, OWNER)
    story.clock.advance(CLOCK_AHEAD_S)
    await story.put_down(lot.pallets)
    await story.do(pledge, OWNER)


async def look_by_the_clock(story: Story) -> list[AlarmRow]:
    """What the job does every minute; returns the alarms that are active after it."""
    work = await story.as_("product", "product:work")
    await tell_what_left_unseen(work)
    await story._tell(work)
    return await active(story)


@pytest.mark.parametrize("is_weighed", [True, False])
async def test_what_passes_under_the_boom_with_no_vehicle_known_stops_money(
    story: Story, lot: Lot, is_weighed: bool
) -> None:
    facility_id = await story.facility()
    await story.pledged(lot, facility_id)
    story.clock.advance(3_600)
    if is_weighed:
        await story.weigh(TRUCK_G + 12 * PALLET_G)
    await turned_by_its_key(story)
    assert await look_by_the_clock(story) == [], "a vehicle may become known yet"
    story.clock.advance(SETTLES.total_seconds())
    [alarm] = await look_by_the_clock(story)
    assert (alarm.kind, alarm.grade, alarm.lot_ids) == ("passage_unexplained", "check", [lot.lot_id])
    assert alarm.facts["exit_g"] == (TRUCK_G + 12 * PALLET_G if is_weighed else None)
    assert await look_by_the_clock(story) == [alarm]
    with pytest.raises(Conflict, match=r"drawdown\.alarm_active"):
        await story.do(ProposeDrawdown(facility_id=facility_id, amount_fen=100, maturity_on=due(story)), BANK)


async def test_vehicles_that_come_in_and_leave_under_the_boom_explain_what_its_loop_felt(
    story: Story, lot: Lot
) -> None:
    await story.pledged(lot, await story.facility())
    await story.hear([await story.expected()], antenna=1)
    await turned_by_its_key(story)
    story.clock.advance(SETTLES.total_seconds())
    assert await look_by_the_clock(story) == [], "it is on its way in"
    truck = await story.visit()
    await story.drive_out(truck, (), TRUCK_G)
    await turned_by_its_key(story)
    story.clock.advance(SETTLES.total_seconds())
    assert await look_by_the_clock(story) == []


async def test_a_refused_truck_that_is_heard_outside_and_then_no_more_has_left(
    story: Story, lot: Lot
) -> None:
    """No barrier tells that it passed. Heard again, it may have been away meanwhile."""
    await story.pledged(lot, await story.facility())
    truck = await story.visit()
    await story.drive_out(truck, (), TRUCK_G + 12 * PALLET_G)
    assert await look_by_the_clock(story) == []
    story.clock.advance(GONE_AFTER.total_seconds())
    [alarm] = await look_by_the_clock(story)
    assert (alarm.kind, alarm.facts["refusal"]) == ("exit_refused", "gate.too_heavy")
    assert await look_by_the_clock(story) == [alarm]
    await story.hear([truck], antenna=2)
    assert await look_by_the_clock(story) == [alarm]


async def let_out_empty(story: Story) -> str:
    """An empty truck is weighed, and the boom is raised for it; returns its tag."""
    truck = await story.visit()
    story.clock.advance(1200)
    await story.hear([truck], antenna=2)
    await story.weigh(TRUCK_G)
    assert await last_decision(story) == (True, "gate.empty")
    return truck


async def test_a_truck_that_does_not_leave_within_a_quarter_of_an_hour_is_weighed_again(
    story: Story, lot: Lot
) -> None:
    await story.pledged(lot, await story.facility())
    truck = await let_out_empty(story)
    story.clock.advance(LEAVES_WITHIN.total_seconds())
    await story.hear([truck], antenna=1)
    assert await last_decision(story) == (False, "gate.not_weighed")
    await turned_by_its_key(story)
    [alarm] = await active(story)
    assert (alarm.kind, alarm.facts["refusal"]) == ("exit_refused", "gate.not_weighed")


async def test_a_truck_that_was_let_out_and_is_weighed_heavier_before_it_leaves_was_refused(
    story: Story, lot: Lot
) -> None:
    """All of it is told at once, after the line was cut."""
    await story.pledged(lot, await story.facility())
    truck = await let_out_empty(story)
    await story.weigh(TRUCK_G)
    assert await active(story) == []
    at = story.clock.now()
    told = [
        ("weighbridge-1", 10, MassReading(mass_g=TRUCK_G + 2 * PALLET_G, weight_id=99, legal_for_trade=True)),
        ("gate-1-reader", 20, TagRead(epc_hex=truck, antenna=1, rssi_cdbm=-4_500)),
        (BARRIER, 25, BarrierState(is_open=True, is_closed=False, loop_occupied=True)),
        (BARRIER, 30, BarrierState(is_open=True, is_closed=False, loop_occupied=False)),
    ]
    story.clock.advance(60)
    await story.tell_late(at, told)
    [alarm] = await active(story)
    assert (alarm.kind, alarm.facts["refusal"]) == ("exit_refused", "gate.too_heavy")


async def test_what_passes_long_after_a_truck_was_weighed_is_not_that_truck(story: Story, lot: Lot) -> None:
    await story.pledged(lot, await story.facility())
    truck = await let_out_empty(story)
    story.clock.advance(LEAVES_WITHIN.total_seconds())
    await turned_by_its_key(story)
    story.clock.advance(SETTLES.total_seconds())
    [alarm] = await look_by_the_clock(story)
    assert alarm.kind == "passage_unexplained"
    await story.hear([truck], antenna=2)
    assert await look_by_the_clock(story) == [alarm]


async def test_a_truck_that_is_heard_inside_after_something_passed_had_not_left_by_that(
    story: Story, lot: Lot
) -> None:
    await story.pledged(lot, await story.facility())
    truck = await let_out_empty(story)
    await turned_by_its_key(story)
    story.clock.advance(SETTLES.total_seconds())
    assert await look_by_the_clock(story) == [], "it has left, as it seems"
    await story.hear([truck], antenna=2)
    [alarm] = await look_by_the_clock(story)
    assert alarm.kind == "passage_unexplained"


async def test_a_truck_that_backs_into_the_yard_explains_nothing_that_passes_out(
    story: Story, lot: Lot
) -> None:
    await story.pledged(lot, await story.facility())
    truck = await let_out_empty(story)
    await story.hear([truck], antenna=1)
    await story.hear([truck], antenna=2)
    await turned_by_its_key(story)
    story.clock.advance(SETTLES.total_seconds())
    [alarm] = await look_by_the_clock(story)
    assert alarm.kind == "passage_unexplained"


async def test_a_bank_and_an_owner_learn_nothing_of_a_strangers_truck(story: Story, lot: Lot) -> None:
    await story.pledged(lot, await story.facility())
    await story.drive_out(await story.visit(), (), TRUCK_G + 2 * PALLET_G)
    await turned_by_its_key(story)
    for party_id, sees_it in ((KEEPER, True), (OWNER, False)):
        [alarm] = await story.read(party_id, lambda read: alarms(read, story.site_id))
        assert (alarm.vehicle_id is not None) == sees_it
        assert ({"plate", "exit_g"} <= alarm.facts.keys()) == sees_it


async def test_what_a_scale_says_that_nobody_accepted_makes_no_truck_light(story: Story, lot: Lot) -> None:
    await story.pledged(lot, await story.facility())
    truck = await story.visit()
    await story.enrol("weighbridge-1")
    story.unaccepted.add("weighbridge-1")
    await story.drive_out(truck, (), TRUCK_G)
    await turned_by_its_key(story)
    [alarm] = await active(story)
    assert (alarm.kind, alarm.facts["refusal"]) == ("exit_refused", "gate.not_weighed")
