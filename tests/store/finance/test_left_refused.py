"""A vehicle that leaves past the gate's refusal stops the money of every pledge at the site."""

import pytest

from devices.messages import EnrolDevice
from finance.messages import PledgeReceipt, ProposeDrawdown, ReleasePledge, RepayLoan
from kernel.errors import Conflict
from kernel.gs1 import epc_from_giai
from kernel.messages import BarrierState
from tests.store.finance.conftest import BANK, KEEPER, OWNER, PALLET_G, PREFIX, TRUCK_G, Lot, Story
from tests.store.finance.test_lending import drawn, due, pledge_of
from twin.api import alarms
from twin.messages import AlarmRow, ClearAlarm
from wms.messages import RegisterVisit

BARRIER = "gate-1-barrier"
CLOCK_AHEAD_S = 300
"""How far ingest lets a device's clock be ahead."""


@pytest.fixture
async def lot(story: Story) -> Lot:
    """Twelve pallets, and the gate's barrier in service."""
    enrol = EnrolDevice(
        site_id=story.site_id,
        device_id=BARRIER,
        family="modbus_barrier",
        mount_id=BARRIER,
        connection={"host": "127.0.0.1", "port": 502},
    )
    await story.do(enrol, KEEPER)
    await story.accept(BARRIER)
    story._sequences[BARRIER] = 0
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
    return await alarms(story.tx, story.site_id, active_only=True)


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


async def test_what_a_refused_truck_may_have_taken_is_pledged_only_once_it_was_seen_again(
    story: Story, lot: Lot
) -> None:
    truck = await story.visit()
    await story.drive_out(truck, (), TRUCK_G + 2 * PALLET_G)
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


async def test_nobody_is_let_in_while_a_refused_truck_stands_before_the_gate(story: Story, lot: Lot) -> None:
    await story.pledged(lot, await story.facility())
    refused = await story.visit()
    story.clock.advance(1200)
    await story.hear([refused], antenna=2)
    await story.weigh(TRUCK_G + 2 * PALLET_G)
    story.clock.advance(120)
    expected = epc_from_giai(PREFIX, 4711)
    visit = RegisterVisit(site_id=story.site_id, plate="GX4711", epc_hex=expected, purpose="pickup")
    await story.do(visit, KEEPER)
    await story.hear([expected], antenna=1)
    decided = await story.tx.rows(
        "SELECT direction, opened, reason_key FROM wms.gate_decision ORDER BY decision_no DESC LIMIT 1"
    )
    assert decided == [{"direction": "in", "opened": False, "reason_key": "gate.refused_at_gate"}]
