"""An alarm on pledged stock freezes the facility; two people thaw it on evidence that is newer."""

import msgspec
import psycopg
import pytest

from app.database import PgTx
from finance.messages import (
    ApproveDrawdown,
    ApproveThaw,
    FreezeFacility,
    PledgeReceipt,
    ProposeDrawdown,
    ProposeThaw,
    RefuseThaw,
    ReleasePledge,
    RepayLoan,
)
from finance.standing.views import FacilityDetailView, facility_detail
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tests.store.finance.conftest import (
    BANK,
    EACH,
    KEEPER,
    OTHER_BANK,
    OWNER,
    PALLET_G,
    TRUCK_G,
    Lot,
    Story,
)
from tests.store.finance.test_lending import LENDABLE_FEN, drawn, due, pledge_of
from twin.api import alarms, witnesses
from twin.messages import AlarmRaised, ClearAlarm
from wms.messages import AdjustStock


def alarm(
    story: Story, lot: Lot, *, grade: str = "freeze", units: int = 2, alarm_id: str = "alarm-1"
) -> AlarmRaised:
    """What the twin says when pallets stand outside the gate without a release."""
    return AlarmRaised(
        alarm_id=alarm_id,
        site_id=story.site_id,
        kind="exit_without_release",
        grade=grade,
        lot_ids=[lot.lot_id],
        unit_ids=list(lot.unit_ids[:units]),
        evidence_ids=["gate-1-reader:1:900", "weighbridge-1:1:900"],
        raised_at=story.clock.now(),
        facts={"plate": "赣A00009"},
        gate_id="gate-1",
        vehicle_id="vehicle-9",
    )


async def facility(story: Story, facility_id: str, party_id: str = BANK) -> FacilityDetailView:
    return await story.read(party_id, lambda read: facility_detail(read, facility_id), "officer")


async def lent(story: Story) -> tuple[Lot, str, str, str]:
    """Goods, facility, receipt and a loan of a million fen."""
    lot, facility_id = await story.receive(), await story.facility()
    receipt_id = await story.pledged(lot, facility_id)
    return lot, facility_id, receipt_id, await drawn(story, facility_id, 1_000_000)


async def seen_again(story: Story, lot: Lot) -> tuple[str, ...]:
    """The pallets are set down once more; the observations that show it."""
    await story.put_down(lot.pallets)
    units = (await story.verified(lot)).units
    return tuple(sorted({unit.evidence_ids["position"] for unit in units}))


@pytest.mark.parametrize("grade", ["note", "check", "restrict"])
async def test_a_milder_alarm_freezes_nothing(story: Story, grade: str) -> None:
    lot, facility_id, _, _ = await lent(story)
    await story.tell(alarm(story, lot, grade=grade))
    assert (await facility(story, facility_id)).state == "open"


async def test_an_alarm_on_pledged_pallets_freezes_the_facility_with_its_evidence(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    await story.tell(alarm(story, lot))
    for party_id in (BANK, OWNER):
        view = await facility(story, facility_id, party_id)
        assert (view.state, view.available_fen) == ("frozen", 0)
        assert view.frozen is not None
        assert (view.frozen.alarm_id, view.frozen.facts["plate"]) == ("alarm-1", "赣A00009")
        assert view.frozen.unit_ids == sorted(lot.unit_ids[:2])
        assert [item["device_id"] for item in view.frozen.evidence] == ["gate-1-reader", "weighbridge-1"]


async def test_an_alarm_on_other_goods_leaves_the_facility_open(story: Story) -> None:
    _, facility_id, _, _ = await lent(story)
    await story.tell(alarm(story, await story.receive(3)))
    assert (await facility(story, facility_id)).state == "open"


async def test_the_same_alarm_told_again_freezes_once(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    for _ in range(3):
        await story.tell(alarm(story, lot))
    view = await facility(story, facility_id)
    assert view.frozen is not None
    assert view.frozen.causes == 1
    await story.tell(alarm(story, lot, units=5))
    view = await facility(story, facility_id)
    assert view.frozen is not None
    assert (view.frozen.causes, len(view.frozen.unit_ids)) == (2, 5)


async def test_while_frozen_nothing_is_drawn_pledged_or_released_but_debts_are_paid(story: Story) -> None:
    lot, facility_id, receipt_id, loan_id = await lent(story)
    second = await story.receipt(await story.receive(3))
    propose = ProposeDrawdown(facility_id=facility_id, amount_fen=1, maturity_on=due(story))
    waiting = await story.do(propose, BANK, "officer-a")
    await story.tell(alarm(story, lot))
    pledge_id = await pledge_of(story, receipt_id)
    refusals = [
        (propose, BANK, "officer-a"),
        (ApproveDrawdown(drawdown_id=waiting.drawdown_id), BANK, "approver-a"),
        (PledgeReceipt(receipt_id=second, facility_id=facility_id), OWNER, "borrower-o"),
        (ReleasePledge(pledge_id=pledge_id), BANK, "officer-a"),
    ]
    for command, party_id, person_id in refusals:
        with pytest.raises(Conflict, match=r"facility\.frozen"):
            await story.do(command, party_id, person_id)
    paid = await story.do(RepayLoan(loan_id=loan_id, amount_fen=1_000_000), BANK)
    assert paid.state == "repaid"


async def test_two_people_thaw_on_evidence_newer_than_the_freeze(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    await story.tell(alarm(story, lot))
    evidence_ids = await seen_again(story, lot)
    propose = ProposeThaw(facility_id=facility_id, reason="All back in place", evidence_ids=evidence_ids)
    thaw = await story.do(propose, BANK, "officer-a")
    view = await facility(story, facility_id)
    assert view.thaw is not None
    assert (view.state, view.thaw.proposed_by) == ("frozen", "officer-a")
    with pytest.raises(Forbidden, match=r"thaw\.own_proposal"):
        await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "officer-a")
    with pytest.raises(NotFound):
        await story.do(ApproveThaw(thaw_id=thaw.thaw_id), OTHER_BANK, "approver-b")
    await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    view = await facility(story, facility_id)
    assert (view.state, view.frozen, view.thaw) == ("open", None, None)
    assert [step.kind for step in view.history if step.kind in {"frozen", "thaw_proposed", "thawed"}] == [
        "thawed",
        "thaw_proposed",
        "frozen",
    ]
    with pytest.raises(Conflict, match=r"thaw\.decided"):
        await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    await story.tell(alarm(story, lot))
    assert (await facility(story, facility_id)).state == "open", "an old alarm told late freezes nothing anew"


async def test_evidence_from_before_the_freeze_does_not_thaw(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    before = tuple(
        unit.evidence_ids["position"] for unit in (await story.verified(lot)).units if unit.evidence_ids
    )
    await story.tell(alarm(story, lot))
    for evidence_ids, key in ((before, "thaw.evidence_old"), (("camera-9:1:1",), "thaw.evidence_unknown")):
        propose = ProposeThaw(facility_id=facility_id, reason="Looks fine", evidence_ids=evidence_ids)
        with pytest.raises((Conflict, Invalid)) as refused:
            await story.do(propose, BANK, "officer-a")
        assert refused.value.key == key


async def offered(story: Story, facility_id: str) -> tuple[str, ...]:
    """What the facility's page offers to thaw on."""
    view = await facility(story, facility_id)
    return tuple(seen.observation_id for seen in view.thaw_evidence)


def thawing(facility_id: str, evidence_ids: tuple[str, ...]) -> ProposeThaw:
    return ProposeThaw(facility_id=facility_id, reason="All back in place", evidence_ids=evidence_ids)


async def test_a_thaw_may_name_evidence_that_newer_evidence_has_followed(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    await story.tell(alarm(story, lot))
    assert await offered(story, facility_id) == (), "nothing was seen since the freeze"
    await story.put_down(lot.pallets)
    named = await offered(story, facility_id)
    assert len(named) == len(lot.pallets)
    await story.put_down(lot.pallets)
    assert not set(named) & set(await offered(story, facility_id)), "the forklift goes on reporting"
    thaw = await story.do(thawing(facility_id, named), BANK, "officer-a")
    await story.put_down(lot.pallets)
    view = await facility(story, facility_id)
    assert view.thaw is not None
    assert tuple(view.thaw.evidence_ids) == named
    assert [(seen.observation_id, seen.modality) for seen in view.thaw.evidence] == [
        (name, "position") for name in named
    ]
    assert {unit for seen in view.thaw.evidence for unit in seen.unit_ids} == set(lot.unit_ids)
    await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    view = await facility(story, facility_id)
    assert view.state == "open"
    thawed = next(step for step in view.history if step.kind == "thawed")
    assert tuple(thawed.facts["evidence_ids"]) == named


async def test_evidence_of_units_that_are_not_pledged_does_not_thaw(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    receipt_id = await story.receipt(lot, lot.unit_ids[:6])
    await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id), OWNER)
    other = await story.receive(3)
    await story.tell(alarm(story, lot))
    evidence_ids = await seen_again(story, lot)
    of_other = await seen_again(story, other)
    by_unit = {unit.unit_id: unit.evidence_ids["position"] for unit in (await story.verified(lot)).units}
    unpledged = tuple(by_unit[unit_id] for unit_id in lot.unit_ids[6:])
    for named in (of_other[:1], unpledged[:1], (*evidence_ids[:1], *of_other[:1])):
        with pytest.raises(Invalid, match=r"thaw\.evidence_unknown") as refused:
            await story.do(thawing(facility_id, named), BANK, "officer-a")
        assert set(refused.value.facts["evidence_ids"]) <= {*of_other, *unpledged}
    assert set(await offered(story, facility_id)) == set(evidence_ids) - set(unpledged)


async def test_a_thaw_needs_evidence_of_each_pallet_that_the_facility_was_frozen_for(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    await story.tell(alarm(story, lot))
    evidence_ids = await seen_again(story, lot)
    by_unit = {unit.unit_id: unit.evidence_ids["position"] for unit in (await story.verified(lot)).units}
    taken, other = lot.unit_ids[:2], lot.unit_ids[2]
    for named, lacking in ((other,), set(taken)), ((taken[0], other), {taken[1]}):
        with pytest.raises(Conflict, match=r"thaw\.units_not_shown") as refused:
            await story.do(
                thawing(facility_id, tuple(by_unit[unit_id] for unit_id in named)), BANK, "officer-a"
            )
        assert set(refused.value.facts["unit_ids"]) == lacking
    assert {by_unit[unit_id] for unit_id in taken} < set(evidence_ids)
    both = thawing(facility_id, tuple(by_unit[unit_id] for unit_id in taken))
    await story.do(both, BANK, "officer-a")


async def test_no_old_evidence_thaws_beside_newer(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    before = (await story.verified(lot)).units[0].evidence_ids["position"]
    await story.tell(alarm(story, lot))
    evidence_ids = await seen_again(story, lot)
    with pytest.raises(Conflict, match=r"thaw\.evidence_old") as refused:
        await story.do(thawing(facility_id, (*evidence_ids, before)), BANK, "officer-a")
    assert refused.value.facts["evidence_ids"] == [before]


async def test_what_was_seen_before_the_pallets_went_out_does_not_thaw(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    await story.do(FreezeFacility(facility_id=facility_id, reason="Keeper does not answer"), BANK)
    await story.put_down(lot.pallets)
    seen_inside = await offered(story, facility_id)
    story.clock.advance(60)
    gone = [pallet.epc_hex for pallet in lot.pallets[:2]]
    await story.hear(gone, antenna=2)
    await story.hear(gone, antenna=1)
    outside = f"gate-1-reader:1:{story.sequence_of('gate-1-reader')}"
    of_gone = {
        witness.observation_id
        for witness in await witnesses(story.tx, lot.unit_ids[:2], seen_inside)
        if not witness.shows_here
    }
    assert len(of_gone) == 2
    for named in (seen_inside, (outside,)):
        with pytest.raises(Conflict, match=r"thaw\.evidence_not_here") as refused:
            await story.do(thawing(facility_id, named), BANK, "officer-a")
        assert set(refused.value.facts["evidence_ids"]) <= {*of_gone, outside}
    assert not of_gone & set(await offered(story, facility_id))
    thaw = thawing(facility_id, tuple(set(seen_inside) - of_gone))
    assert (await story.do(thaw, BANK, "officer-a")).facility_id == facility_id


async def test_a_thaw_is_not_approved_once_its_units_have_gone_out(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    await story.do(FreezeFacility(facility_id=facility_id, reason="Keeper does not answer"), BANK)
    await story.put_down(lot.pallets)
    thaw = await story.do(thawing(facility_id, await offered(story, facility_id)), BANK, "officer-a")
    story.clock.advance(60)
    gone = [pallet.epc_hex for pallet in lot.pallets[:1]]
    await story.hear(gone, antenna=2)
    await story.hear(gone, antenna=1)
    with pytest.raises(Conflict, match=r"thaw\.evidence_not_here"):
        await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    assert (await facility(story, facility_id)).state == "frozen"


async def test_a_refused_thaw_makes_room_for_another(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    await story.tell(alarm(story, lot))
    evidence_ids = await seen_again(story, lot)
    first = await story.do(thawing(facility_id, evidence_ids), BANK, "officer-a")
    refuse = RefuseThaw(thaw_id=first.thaw_id, reason="Nobody went to look")
    with pytest.raises(NotFound):
        await story.do(refuse, OTHER_BANK, "approver-b")
    await story.do(refuse, BANK, "approver-a")
    for command in (refuse, ApproveThaw(thaw_id=first.thaw_id)):
        with pytest.raises(Conflict, match=r"thaw\.decided"):
            await story.do(command, BANK, "approver-a")
    view = await facility(story, facility_id)
    assert (view.state, view.thaw) == ("frozen", None)
    assert (view.history[0].kind, view.history[0].facts["reason"]) == (
        "thaw_refused",
        "Nobody went to look",
    )
    second = await story.do(thawing(facility_id, evidence_ids), BANK, "officer-a")
    await story.do(ApproveThaw(thaw_id=second.thaw_id), BANK, "approver-a")
    assert (await facility(story, facility_id)).state == "open"


async def test_a_newer_freeze_overtakes_a_proposal_made_without_knowing(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    await story.tell(alarm(story, lot))
    evidence_ids = await seen_again(story, lot)
    propose = ProposeThaw(facility_id=facility_id, reason="All back", evidence_ids=evidence_ids)
    thaw = await story.do(propose, BANK, "officer-a")
    with pytest.raises(Conflict, match=r"thaw\.already_proposed"):
        await story.do(propose, BANK, "officer-c")
    await story.tell(alarm(story, lot, alarm_id="alarm-2"))
    with pytest.raises(Conflict, match=r"thaw\.decided"):
        await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    assert (await facility(story, facility_id)).state == "frozen"


async def test_an_officer_freezes_by_hand_and_another_bank_cannot(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    freeze = FreezeFacility(facility_id=facility_id, reason="Keeper does not answer")
    for party_id in (OTHER_BANK, OWNER):
        with pytest.raises(NotFound):
            await story.do(freeze, party_id)
    await story.do(freeze, BANK, "officer-a")
    view = await facility(story, facility_id)
    assert view.frozen is not None
    assert (view.frozen.reason_key, view.frozen.alarm_id) == ("freeze.by_officer", None)
    told = view.history[0].facts
    assert (told["reason_key"], told["reason"]) == ("freeze.by_officer", "Keeper does not answer")
    evidence_ids = await seen_again(story, lot)
    propose = ProposeThaw(facility_id=facility_id, reason="Keeper answered", evidence_ids=evidence_ids)
    thaw = await story.do(propose, BANK, "officer-a")
    await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    assert (await facility(story, facility_id)).state == "open"


async def test_a_facility_with_nothing_pledged_is_thawed_by_two_people_for_a_stated_reason(
    story: Story,
) -> None:
    facility_id = await story.facility()
    await story.do(FreezeFacility(facility_id=facility_id, reason="Keeper does not answer"), BANK)
    thaw = await story.do(thawing(facility_id, ()), BANK, "officer-a")
    with pytest.raises(Forbidden, match=r"thaw\.own_proposal"):
        await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "officer-a")
    await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    view = await facility(story, facility_id)
    assert (view.state, view.history[0].kind) == ("open", "thawed")


async def test_while_anything_is_pledged_no_reason_stands_alone(story: Story) -> None:
    _, facility_id, _, _ = await lent(story)
    await story.do(FreezeFacility(facility_id=facility_id, reason="Keeper does not answer"), BANK)
    with pytest.raises(Invalid, match=r"thaw\.evidence_count"):
        await story.do(thawing(facility_id, ()), BANK, "officer-a")
    with pytest.raises(psycopg.errors.CheckViolation, match="rests on evidence"):
        async with story.tx.savepoint():
            await story.tx.run(
                "INSERT INTO finance.thaw (thaw_id, facility_id, freezes_through, reason, evidence_ids,"
                " proposed_by, proposed_at) VALUES ('t', %(facility)s, 1, 'r', '{}', 'p', %(now)s)",
                {"facility": facility_id, "now": story.tx.now},
            )


async def test_the_database_itself_refuses_one_person_in_both_chairs(story: Story) -> None:
    _, facility_id, _, _ = await lent(story)
    with pytest.raises(psycopg.errors.CheckViolation, match="drawdown_by_two_people"):
        async with story.tx.savepoint():
            await story.tx.run(
                "UPDATE finance.drawdown SET decided_by = proposed_by WHERE facility_id = %(facility)s",
                {"facility": facility_id},
            )
    with pytest.raises(psycopg.errors.CheckViolation, match="thaw_by_two_people"):
        async with story.tx.savepoint():
            await story.tx.run(
                "INSERT INTO finance.thaw (thaw_id, facility_id, freezes_through, reason, evidence_ids,"
                " proposed_by, proposed_at, approved_by, approved_at)"
                " VALUES ('t', %(facility)s, 1, 'r', '{e}', 'p', %(now)s, 'p', %(now)s)",
                {"facility": facility_id, "now": story.tx.now},
            )


JOURNALS = (
    "freeze",
    "facility_event",
    "price",
    "price_approval",
    "price_refusal",
    "encumbrance",
    "lost_unit",
    "entry",
    "posting",
)


async def test_commands_may_neither_change_nor_remove_rows_of_a_journal(tx: PgTx) -> None:
    for table in JOURNALS:
        for right in ("UPDATE", "DELETE", "TRUNCATE"):
            allowed = await tx.value(
                "SELECT has_table_privilege('tallyhouse_command', %(table)s, %(right)s)",
                {"table": f"finance.{table}", "right": right},
            )
            assert allowed is False, f"{right} on {table}"


async def test_a_journal_refuses_even_its_owner(database_server) -> None:
    async with await psycopg.AsyncConnection.connect(database_server.owner_dsn) as owner:
        for table in JOURNALS:
            with pytest.raises(psycopg.errors.RestrictViolation, match="never changed"):
                async with owner.transaction():
                    await owner.execute(f"DELETE FROM finance.{table}".encode())


async def test_stock_that_vanishes_from_sight_shows_as_a_shortfall(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    await drawn(story, facility_id, LENDABLE_FEN)
    story.clock.advance(600)
    await story.drive_out("341A2B3C4D5E6F7788990011", lot.pallets[:6], 15_000_000)
    view = await facility(story, facility_id)
    assert view.lendable_explained.verified_low <= 6
    assert view.margin.state == "sell"
    assert view.margin.shortfall_fen >= LENDABLE_FEN // 2


async def test_pledged_pallets_driven_to_the_gate_freeze_the_facility_by_tag_and_weight(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    truck = await story.visit()
    await story.drive_out(truck, lot.pallets[:6], TRUCK_G + 6 * PALLET_G)
    view = await facility(story, facility_id)
    assert view.state == "frozen"
    assert view.frozen is not None
    assert {"tag", "mass"} <= {item["modality"] for item in view.frozen.evidence}
    assert set(view.frozen.unit_ids) == set(lot.unit_ids[:6])
    assert view.lendable_explained.verified_low <= 6
    await story.drive_in(truck, lot.pallets[:6], None)
    evidence_ids = await seen_again(story, lot)
    propose = ProposeThaw(facility_id=facility_id, reason="Turned back", evidence_ids=evidence_ids)
    thaw = await story.do(propose, BANK, "officer-a")
    await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    assert (await facility(story, facility_id)).state == "open"


async def test_no_money_is_drawn_after_a_thaw_while_the_alarm_at_the_gate_is_still_active(
    story: Story,
) -> None:
    lot, facility_id, _, _ = await lent(story)
    waiting = await story.do(
        ProposeDrawdown(facility_id=facility_id, amount_fen=100, maturity_on=due(story)), BANK, "officer-a"
    )
    truck = await story.visit()
    await story.drive_out(truck, lot.pallets[:2], TRUCK_G + 2 * PALLET_G)
    await story.drive_in(truck, lot.pallets[:2], None)
    evidence_ids = await seen_again(story, lot)
    propose = ProposeThaw(facility_id=facility_id, reason="Turned back", evidence_ids=evidence_ids)
    thaw = await story.do(propose, BANK, "officer-a")
    await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    assert (await facility(story, facility_id)).state == "open"
    again = ProposeDrawdown(facility_id=facility_id, amount_fen=100, maturity_on=due(story))
    for command in (again, ApproveDrawdown(drawdown_id=waiting.drawdown_id)):
        with pytest.raises(Conflict, match=r"drawdown\.alarm_active") as refused:
            await story.do(command, BANK, "approver-a")
        assert refused.value.facts["unit_ids"] == sorted(lot.unit_ids[:2])
    for active in await alarms(story.tx, story.site_id, active_only=True):
        await story.do(ClearAlarm(alarm_id=active.alarm_id, reason="Turned back"), KEEPER)
    await story.do(ApproveDrawdown(drawdown_id=waiting.drawdown_id), BANK, "approver-a")


async def test_an_alarm_from_tags_alone_freezes_nothing_but_stops_the_money(story: Story) -> None:
    lot, facility_id, _, _ = await lent(story)
    story.clock.advance(60)
    await story.hear([pallet.epc_hex for pallet in lot.pallets[:1]], antenna=2)
    await story.hear([pallet.epc_hex for pallet in lot.pallets[:1]], antenna=1)
    assert {row.grade for row in await alarms(story.tx, story.site_id, active_only=True)} == {"check"}
    assert (await facility(story, facility_id)).state == "open"
    propose = ProposeDrawdown(facility_id=facility_id, amount_fen=100, maturity_on=due(story))
    with pytest.raises(Conflict, match=r"drawdown\.alarm_active"):
        await story.do(propose, BANK, "officer-a")


async def test_goods_lost_for_good_are_closed_once_the_debt_is_paid_and_no_money_is_freed(
    story: Story,
) -> None:
    """Paid, given back though frozen, counted out; only then is the alarm closed, and two people thaw."""
    lot, facility_id, receipt_id, loan_id = await lent(story)
    await story.drive_out(await story.visit(), lot.pallets, TRUCK_G + len(lot.pallets) * PALLET_G)
    [active] = await alarms(story.tx, story.site_id, active_only=True)
    release = ReleasePledge(pledge_id=await pledge_of(story, receipt_id))
    count = [AdjustStock(unit_id=unit_id, counted_each=0, reason="stolen") for unit_id in lot.unit_ids]
    clear = ClearAlarm(alarm_id=active.alarm_id, reason="stolen, paid by the insurer")
    for command, party_id, refusal in (
        (release, BANK, r"facility\.frozen"),
        (count[0], KEEPER, r"stock\.held_count"),
        (clear, KEEPER, r"twin\.goods_gone"),
    ):
        with pytest.raises(Conflict, match=refusal):
            await story.do(command, party_id)
    await story.do(RepayLoan(loan_id=loan_id, amount_fen=1_000_000), BANK)
    await story.do(release, BANK, "officer-a")
    assert (await facility(story, facility_id)).available_fen == 0
    with pytest.raises(Conflict, match=r"twin\.goods_gone"):
        await story.do(clear, KEEPER)
    for command in count:
        await story.do(command, KEEPER)
    await story.do(clear, KEEPER)
    assert (await story.verified(lot)).unit_count_high == 0
    assert (await facility(story, facility_id)).state == "frozen"
    thaw = await story.do(thawing(facility_id, ()), BANK, "officer-a")
    await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    view = await facility(story, facility_id)
    assert (view.state, view.available_fen) == ("open", 0)


async def eleven_of_twelve_come_back(story: Story) -> tuple[Lot, str, tuple[str, ...]]:
    """A loan; all goods are driven out, one pallet stays away. What shows the others again."""
    lot, facility_id, _, _ = await lent(story)
    truck = await story.visit()
    await story.drive_out(truck, lot.pallets, TRUCK_G + len(lot.pallets) * PALLET_G)
    story.clock.advance(600)
    await story.drive_in(truck, lot.pallets[1:])
    await story.put_down(lot.pallets[1:])
    await story.drive_out(truck, (), TRUCK_G)
    return lot, facility_id, await offered(story, facility_id)


async def test_one_pallet_lost_for_good_is_given_up_by_two_people_and_the_rest_is_lent_on(
    story: Story,
) -> None:
    lot, facility_id, evidence_ids = await eleven_of_twelve_come_back(story)
    lost = lot.unit_ids[0]
    with pytest.raises(Conflict, match=r"thaw\.units_not_shown") as refused:
        await story.do(thawing(facility_id, evidence_ids), BANK, "officer-a")
    assert refused.value.facts["unit_ids"] == [lost]
    view = await facility(story, facility_id)
    assert [unit.unit_id for unit in view.missing_units] == [lost]
    without = msgspec.structs.replace(thawing(facility_id, evidence_ids), lost_unit_ids=(lost,))
    thaw = await story.do(without, BANK, "officer-a")
    view = await facility(story, facility_id)
    assert view.thaw is not None
    assert [unit.unit_id for unit in view.thaw.lost] == [lost]
    with pytest.raises(Forbidden, match=r"thaw\.own_proposal"):
        await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "officer-a")
    await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    view = await facility(story, facility_id)
    assert (view.state, view.missing_units) == ("open", [])
    counted = view.lendable_explained
    assert (counted.book_units, counted.verified_low) == (11, 10), "tag and position: ten of them at 99 %"
    assert view.history[0].facts["lost_unit_ids"] == [lost]
    [receipt] = view.receipts
    assert lost in receipt.unit_ids, "its keeper goes on owing it"
    [active] = await alarms(story.tx, story.site_id, active_only=True)
    clear = ClearAlarm(alarm_id=active.alarm_id, reason="eleven came back, one is paid for")
    with pytest.raises(Conflict, match=r"twin\.goods_gone"):
        await story.do(clear, KEEPER)
    with pytest.raises(Conflict, match=r"stock\.held_count"):
        await story.do(AdjustStock(unit_id=lot.unit_ids[1], counted_each=0, reason="stolen"), KEEPER)
    await story.do(AdjustStock(unit_id=lost, counted_each=0, reason="stolen"), KEEPER)
    await story.do(clear, KEEPER)
    await drawn(story, facility_id, 100_000)
    await story.put_down(lot.pallets)
    assert (await facility(story, facility_id)).lendable_explained.book_units == 11


async def test_only_pledged_pallets_that_are_not_on_site_are_given_up(story: Story) -> None:
    lot, facility_id, evidence_ids = await eleven_of_twelve_come_back(story)
    other = await story.receive(1)
    without = msgspec.structs.replace(thawing(facility_id, evidence_ids), lost_unit_ids=lot.unit_ids[:2])
    with pytest.raises(Conflict, match=r"thaw\.lost_are_here") as refused:
        await story.do(without, BANK, "officer-a")
    assert refused.value.facts["unit_ids"] == [lot.unit_ids[1]]
    without = msgspec.structs.replace(without, lost_unit_ids=other.unit_ids)
    with pytest.raises(Invalid, match=r"thaw\.lost_unknown") as unknown:
        await story.do(without, BANK, "officer-a")
    assert unknown.value.facts["unit_ids"] == list(other.unit_ids)


async def test_a_pallet_that_came_back_meanwhile_is_not_given_up(story: Story) -> None:
    lot, facility_id, evidence_ids = await eleven_of_twelve_come_back(story)
    without = msgspec.structs.replace(thawing(facility_id, evidence_ids), lost_unit_ids=lot.unit_ids[:1])
    thaw = await story.do(without, BANK, "officer-a")
    await story.drive_in(await story.visit(), lot.pallets[:1])
    with pytest.raises(Conflict, match=r"thaw\.lost_are_here"):
        await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")


async def test_a_pledge_of_which_all_is_lost_is_thawed_for_the_stated_reason_and_counts_for_nothing(
    story: Story,
) -> None:
    lot, facility_id, receipt_id, loan_id = await lent(story)
    await story.drive_out(await story.visit(), lot.pallets, TRUCK_G + len(lot.pallets) * PALLET_G)
    without = msgspec.structs.replace(thawing(facility_id, ()), lost_unit_ids=lot.unit_ids)
    thaw = await story.do(without, BANK, "officer-a")
    await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    view = await facility(story, facility_id)
    assert (view.state, view.lendable_fen, view.margin.state) == ("open", 0, "sell")
    await story.do(RepayLoan(loan_id=loan_id, amount_fen=1_000_000), BANK)
    await story.do(ReleasePledge(pledge_id=await pledge_of(story, receipt_id)), BANK, "officer-a")


async def test_a_facility_that_was_frozen_for_more_than_a_hundred_pallets_is_thawed_on_what_its_page_offers(
    story: Story,
) -> None:
    lot, facility_id = await story.receive(110), await story.facility(limit_fen=100_000_000)
    await story.pledged(lot, facility_id)
    truck = await story.visit()
    await story.drive_out(truck, lot.pallets, TRUCK_G + len(lot.pallets) * PALLET_G)
    await story.drive_in(truck, lot.pallets)
    await story.put_down(lot.pallets)
    await story.drive_out(truck, (), TRUCK_G)
    thaw = await story.do(thawing(facility_id, await offered(story, facility_id)), BANK, "officer-a")
    await story.do(ApproveThaw(thaw_id=thaw.thaw_id), BANK, "approver-a")
    assert (await facility(story, facility_id)).state == "open"


async def test_what_was_lost_and_is_counted_in_again_is_gone_as_before(story: Story) -> None:
    lot = await story.receive(2)
    await story.drive_out(await story.visit(), lot.pallets, TRUCK_G + 2 * PALLET_G)
    [active] = await alarms(story.tx, story.site_id, active_only=True)
    for counted_each in (0, EACH):
        for unit_id in lot.unit_ids:
            command = AdjustStock(unit_id=unit_id, counted_each=counted_each, reason="count 17")
            await story.do(command, KEEPER)
    with pytest.raises(Conflict, match=r"twin\.goods_gone"):
        await story.do(ClearAlarm(alarm_id=active.alarm_id, reason="all is well"), KEEPER)


async def test_a_frozen_facility_gives_no_receipt_back_while_any_of_its_goods_are_there(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    receipt_id = await story.pledged(lot, facility_id)
    await story.drive_out(await story.visit(), lot.pallets[1:], TRUCK_G + (len(lot.pallets) - 1) * PALLET_G)
    assert (await facility(story, facility_id)).state == "frozen"
    with pytest.raises(Conflict, match=r"facility\.frozen"):
        await story.do(ReleasePledge(pledge_id=await pledge_of(story, receipt_id)), BANK, "officer-a")
