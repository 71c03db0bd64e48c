"""What a vehicle weighs empty, stated by its keeper and approved by banks, at the gate of a real database."""

from collections.abc import Sequence

import msgspec
import pytest
from psycopg.errors import CheckViolation

from app.database import PgTx
from devices.messages import InviteInspector
from identity.api import grant_access
from identity.messages import AddParty
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tests.store.wms.building import KEEPER, PALLET_G, SITE, TRUCK_G, Warehouse
from tests.store.wms.test_gate import leaving, unloaded
from twin import api as twin
from wms.api import place_hold
from wms.messages import (
    ApproveTare,
    GateDecided,
    ProposeTare,
    RefuseTare,
    TareAnswered,
    TareWithdrawn,
    WithdrawTare,
)
from wms.tares.agreed import agreed_g
from wms.tares.model import TARE_G_MAX, TARE_G_MIN
from wms.tares.views import TareRow, tare_list
from wms.visits.store import empty_mass_g

BANK, OTHER_BANK, STRANGER = "bank-a", "bank-b", "bank-c"
LICENCE = "Licence 3601 0001"
BY_ITSELF = """
    INSERT INTO wms.tare_answer
    SELECT tare_id, proposed_party_id, site_id, proposed_party_id, true, '', 'p', now() FROM wms.tare"""


@pytest.fixture
async def pledged(warehouse: Warehouse, tx: PgTx) -> Sequence[str]:
    """Pallets on hold for `BANK`; `OTHER_BANK` is invited as well and has none."""
    for bank in (OTHER_BANK, STRANGER):
        await warehouse.do(AddParty(kind="bank", name=bank, party_id=bank))
    for bank in (BANK, OTHER_BANK):
        await warehouse.do(InviteInspector(site_id=SITE, party_id=bank))
    units = await warehouse.stock(2)
    await hold_for(warehouse, BANK, units[0])
    return units


async def hold_for(warehouse: Warehouse, bank: str, unit_id: str) -> None:
    """As a pledge does."""
    await place_hold(warehouse.tx, SITE, [unit_id], "third_party", "pledge_1")
    await grant_access(warehouse.tx, bank, await warehouse.lot_of(unit_id), cause="pledge")


async def stated(warehouse: Warehouse, vehicle_id: str, mass_g: int = TRUCK_G) -> str:
    command = ProposeTare(site_id=SITE, vehicle_id=vehicle_id, mass_g=mass_g, document=LICENCE)
    return str((await warehouse.do(command)).tare_id)


@pytest.fixture
def say(warehouse: Warehouse, as_caller):
    """Do a command as a party, and hand what it tells to the gate."""

    async def said(command: ApproveTare | RefuseTare | WithdrawTare, party: str) -> None:
        async with as_caller(party, "officer") as tx:
            await warehouse.do(command, tx)
        await warehouse.hear(*tx.events)

    return said


async def last_reason(warehouse: Warehouse) -> tuple[bool, str]:
    return (await warehouse.gate_reasons())[-1]


async def test_a_delivery_truck_leaves_while_goods_are_pledged_once_its_empty_mass_is_agreed(
    warehouse: Warehouse, tx: PgTx, pledged: Sequence[str], say
) -> None:
    vehicle_id, gross_g = await unloaded(warehouse)
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, gross_g))
    assert await last_reason(warehouse) == (False, "gate.never_weighed_empty")
    tare_id = await stated(warehouse, vehicle_id)
    assert await last_reason(warehouse) == (False, "gate.never_weighed_empty"), "the keeper's word alone"
    await say(ApproveTare(tare_id=tare_id), BANK)
    assert await last_reason(warehouse) == (True, "gate.empty"), "decided again where it stands"
    assert (await warehouse.orders_to_barrier())[-1] == "open"
    await warehouse.hear(warehouse.left(vehicle_id))
    for _ in range(2):
        vehicle_id, gross_g = await unloaded(warehouse)
        await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, gross_g), warehouse.left(vehicle_id))
    assert warehouse.sent(GateDecided)[-1].reason_key == "gate.empty"
    assert await twin.alarms(tx, SITE) == []


async def test_with_a_pledged_pallet_aboard_it_stays_shut_in(
    warehouse: Warehouse, pledged: Sequence[str], say
) -> None:
    vehicle_id, gross_g = await unloaded(warehouse)
    await say(ApproveTare(tare_id=await stated(warehouse, vehicle_id)), BANK)
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G + PALLET_G, gross_g))
    assert await last_reason(warehouse) == (False, "gate.heavier_than_empty")


async def test_another_banks_approval_is_none_of_the_one_with_goods_on_hold(
    warehouse: Warehouse, tx: PgTx, pledged: Sequence[str], say
) -> None:
    vehicle_id, gross_g = await unloaded(warehouse)
    tare_id = await stated(warehouse, vehicle_id)
    await say(ApproveTare(tare_id=tare_id), OTHER_BANK)
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, gross_g))
    assert await last_reason(warehouse) == (False, "gate.never_weighed_empty")
    await say(ApproveTare(tare_id=tare_id), BANK)
    assert await last_reason(warehouse) == (True, "gate.empty")


async def test_a_bank_that_pledges_goods_later_is_asked_as_well(
    warehouse: Warehouse, tx: PgTx, pledged: Sequence[str], say
) -> None:
    vehicle_id, _ = await unloaded(warehouse)
    tare_id = await stated(warehouse, vehicle_id)
    await say(ApproveTare(tare_id=tare_id), BANK)
    assert await agreed_g(tx, SITE, vehicle_id) == TRUCK_G
    await hold_for(warehouse, OTHER_BANK, pledged[1])
    assert await agreed_g(tx, SITE, vehicle_id) is None
    await say(ApproveTare(tare_id=tare_id), OTHER_BANK)
    assert await agreed_g(tx, SITE, vehicle_id) == TRUCK_G


async def test_where_no_bank_has_goods_on_hold_one_invited_bank_is_enough(
    warehouse: Warehouse, tx: PgTx, say
) -> None:
    await place_hold(tx, SITE, await warehouse.stock(1), "third_party", "somebody's")
    await warehouse.do(InviteInspector(site_id=SITE, party_id=BANK))
    vehicle_id, _ = await unloaded(warehouse)
    tare_id = await stated(warehouse, vehicle_id)
    assert await agreed_g(tx, SITE, vehicle_id) is None
    await say(ApproveTare(tare_id=tare_id), BANK)
    assert await agreed_g(tx, SITE, vehicle_id) == TRUCK_G


async def test_a_refusal_is_of_the_bank_that_refuses_and_is_kept_with_its_reason(
    warehouse: Warehouse, tx: PgTx, pledged: Sequence[str], say
) -> None:
    vehicle_id, _ = await unloaded(warehouse)
    tare_id = await stated(warehouse, vehicle_id)
    await say(RefuseTare(tare_id=tare_id, reason=" The licence is of another lorry. "), OTHER_BANK)
    await say(ApproveTare(tare_id=tare_id), BANK)
    assert await agreed_g(tx, SITE, vehicle_id) == TRUCK_G, "the one that refused has nothing on hold"
    [row] = await tare_list(tx, SITE, None, 10)
    assert {(one.party, one.is_approved, one.reason) for one in row.answers} == {
        (OTHER_BANK, False, "The licence is of another lorry."),
        (BANK, True, ""),
    }
    await hold_for(warehouse, OTHER_BANK, pledged[1])
    assert await agreed_g(tx, SITE, vehicle_id) is None
    for command in (ApproveTare(tare_id=tare_id), RefuseTare(tare_id=tare_id, reason="Still.")):
        with pytest.raises(Conflict, match=r"tares\.answered"):
            await say(command, OTHER_BANK)


async def test_a_mass_above_the_least_that_the_vehicle_weighed_here_is_refused(
    warehouse: Warehouse, pledged: Sequence[str]
) -> None:
    vehicle_id, gross_g = await unloaded(warehouse)
    with pytest.raises(Invalid, match=r"tares\.too_heavy") as refused:
        await stated(warehouse, vehicle_id, gross_g + 1)
    assert refused.value.facts == {"field": "mass_g", "rule": f"at most {gross_g}"}
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G + 50_000, gross_g))
    with pytest.raises(Invalid, match=r"tares\.too_heavy"):
        await stated(warehouse, vehicle_id, TRUCK_G + 50_001)
    await stated(warehouse, vehicle_id, TRUCK_G + 50_000)


async def test_a_vehicle_weighed_lighter_since_counts_no_more_than_that(
    warehouse: Warehouse, tx: PgTx, pledged: Sequence[str], say
) -> None:
    vehicle_id, gross_g = await unloaded(warehouse)
    await say(ApproveTare(tare_id=await stated(warehouse, vehicle_id, TRUCK_G + PALLET_G)), BANK)
    assert await agreed_g(tx, SITE, vehicle_id) == TRUCK_G + PALLET_G
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, gross_g), warehouse.left(vehicle_id))
    vehicle_id, gross_g = await unloaded(warehouse)
    assert await agreed_g(tx, SITE, vehicle_id) == TRUCK_G
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G + PALLET_G, gross_g))
    assert await last_reason(warehouse) == (False, "gate.heavier_than_empty")


async def test_what_it_weighed_as_it_left_by_an_agreed_mass_is_not_learnt(
    warehouse: Warehouse, tx: PgTx, pledged: Sequence[str], say
) -> None:
    """Or a mass that a bank takes back, or one that another bank never agreed on, would go on counting."""
    vehicle_id, gross_g = await unloaded(warehouse)
    tare_id = await stated(warehouse, vehicle_id, TRUCK_G + PALLET_G)
    await say(ApproveTare(tare_id=tare_id), BANK)
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G + PALLET_G, gross_g))
    assert await last_reason(warehouse) == (True, "gate.empty")
    await warehouse.hear(warehouse.left(vehicle_id))
    assert await empty_mass_g(tx, SITE, vehicle_id) is None
    await say(WithdrawTare(tare_id=tare_id, reason="Another body."), BANK)
    vehicle_id, gross_g = await unloaded(warehouse)
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G + PALLET_G, gross_g))
    assert await last_reason(warehouse) == (False, "gate.never_weighed_empty")


async def test_what_was_agreed_lowers_what_the_scale_learnt_and_never_raises_it(
    warehouse: Warehouse, tx: PgTx, pledged: Sequence[str], say
) -> None:
    """It always came with the same ballast."""
    vehicle_id = await warehouse.inside("A")
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, TRUCK_G), warehouse.left(vehicle_id))
    assert await empty_mass_g(tx, SITE, vehicle_id) == TRUCK_G
    vehicle_id, gross_g = await unloaded(warehouse)
    await say(ApproveTare(tare_id=await stated(warehouse, vehicle_id, TRUCK_G - PALLET_G)), BANK)
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, gross_g))
    assert await last_reason(warehouse) == (False, "gate.heavier_than_empty")


@pytest.mark.parametrize("mass_g", [-1, 0, TARE_G_MIN - 1, TARE_G_MAX + 1])
async def test_a_mass_that_no_vehicle_has_is_refused(warehouse: Warehouse, mass_g: int) -> None:
    visit = await warehouse.visit()
    with pytest.raises(Invalid, match=r"tares\.mass") as refused:
        await stated(warehouse, visit.vehicle_id, mass_g)
    assert refused.value.facts["field"] == "mass_g"


@pytest.mark.parametrize("document", ["", "  ", "x" * 201])
async def test_a_statement_names_what_it_rests_on(warehouse: Warehouse, document: str) -> None:
    visit = await warehouse.visit()
    command = ProposeTare(site_id=SITE, vehicle_id=visit.vehicle_id, mass_g=TRUCK_G, document=document)
    with pytest.raises(Invalid, match=r"tares\.document"):
        await warehouse.do(command)


async def test_a_vehicle_of_another_site_or_of_none_is_not_known(warehouse: Warehouse) -> None:
    with pytest.raises(NotFound, match=r"vehicles\.unknown"):
        await stated(warehouse, "vehicle_none")


@pytest.mark.parametrize("party", [KEEPER, BANK])
async def test_what_was_withdrawn_counts_no_more_whoever_of_the_two_withdrew_it(
    warehouse: Warehouse, tx: PgTx, pledged: Sequence[str], say, party: str
) -> None:
    vehicle_id, gross_g = await unloaded(warehouse)
    tare_id = await stated(warehouse, vehicle_id)
    await say(ApproveTare(tare_id=tare_id), BANK)
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, gross_g))
    assert await last_reason(warehouse) == (True, "gate.empty")
    await say(WithdrawTare(tare_id=tare_id, reason="It has another body."), party)
    assert await last_reason(warehouse) == (False, "gate.never_weighed_empty"), "called back where it stands"
    assert (await warehouse.orders_to_barrier())[-1] == "close"
    assert await agreed_g(tx, SITE, vehicle_id) is None
    [row] = await tare_list(tx, SITE, None, 10)
    assert (row.end_cause, row.end_reason, row.ended_by) == ("withdrawn", "It has another body.", party)
    for command in (ApproveTare(tare_id=tare_id), WithdrawTare(tare_id=tare_id, reason="Again.")):
        with pytest.raises(Conflict, match=r"tares\.ended"):
            await say(command, BANK)


async def test_a_bank_that_did_not_approve_withdraws_nothing(
    warehouse: Warehouse, pledged: Sequence[str], say
) -> None:
    visit = await warehouse.visit()
    tare_id = await stated(warehouse, visit.vehicle_id)
    await say(RefuseTare(tare_id=tare_id, reason="Not this one."), OTHER_BANK)
    for bank in (BANK, OTHER_BANK):
        with pytest.raises(Forbidden, match=r"tares\.not_approved_by_you"):
            await say(WithdrawTare(tare_id=tare_id, reason="I say so."), bank)


async def test_another_statement_takes_the_place_of_one_that_nobody_approved_and_of_no_other(
    warehouse: Warehouse, tx: PgTx, pledged: Sequence[str], say
) -> None:
    visit = await warehouse.visit()
    wrong = await stated(warehouse, visit.vehicle_id, TRUCK_G * 2)
    right = await stated(warehouse, visit.vehicle_id)
    with pytest.raises(Conflict, match=r"tares\.ended"):
        await say(ApproveTare(tare_id=wrong), BANK)
    await say(ApproveTare(tare_id=right), BANK)
    heavier = await stated(warehouse, visit.vehicle_id, TRUCK_G + PALLET_G)
    assert await agreed_g(tx, SITE, visit.vehicle_id) == TRUCK_G
    await say(ApproveTare(tare_id=heavier), BANK)
    assert await agreed_g(tx, SITE, visit.vehicle_id) == TRUCK_G, "the least that stands"
    await say(WithdrawTare(tare_id=right, reason="It has a heavier body."), BANK)
    assert await agreed_g(tx, SITE, visit.vehicle_id) == TRUCK_G + PALLET_G


async def test_who_states_it_does_not_approve_it_and_who_is_not_invited_finds_nothing(
    warehouse: Warehouse, tx: PgTx, pledged: Sequence[str], say
) -> None:
    visit = await warehouse.visit()
    tare_id = await stated(warehouse, visit.vehicle_id)
    with pytest.raises(Forbidden, match=r"tares\.own_statement"):
        await say(ApproveTare(tare_id=tare_id), KEEPER)
    for party in (STRANGER, "owner-a"):
        for command in (ApproveTare(tare_id=tare_id), RefuseTare(tare_id=tare_id, reason="No.")):
            with pytest.raises(NotFound, match=r"tares\.unknown"):
                await say(command, party)
    with pytest.raises(CheckViolation):
        async with tx.savepoint():
            await tx.run(BY_ITSELF)


async def test_an_invited_bank_sees_what_the_vehicle_weighed_here_and_of_no_other(
    warehouse: Warehouse, as_caller, pledged: Sequence[str]
) -> None:
    other_id, _ = await unloaded(warehouse)
    vehicle_id = await warehouse.inside("B")
    await warehouse.hear(*leaving(warehouse, vehicle_id, TRUCK_G, TRUCK_G), warehouse.left(vehicle_id))
    tare_id = await stated(warehouse, vehicle_id)

    async def shown(party: str) -> list[TareRow]:
        async with as_caller(party, "officer", reading=True) as read:
            return await tare_list(read, SITE, None, 10)

    [row] = await shown(OTHER_BANK)
    assert (row.tare_id, row.mass_g, row.document, row.proposed_by) == (tare_id, TRUCK_G, LICENCE, KEEPER)
    assert [(stay.entry_mass_g, stay.exit_mass_g) for stay in row.stays] == [(TRUCK_G, TRUCK_G)]
    assert [row.tare_id for row in await shown(KEEPER)] == [tare_id]
    for party in (STRANGER, "owner-a", "owner-b"):
        assert await shown(party) == []
    async with as_caller(BANK, "officer") as bank:
        await warehouse.do(RefuseTare(tare_id=tare_id, reason="We lend on other goods of theirs."), bank)
    for party, told in ((KEEPER, [BANK]), (BANK, [BANK]), (OTHER_BANK, [])):
        [row] = await shown(party)
        assert [answer.party for answer in row.answers] == told
    async with as_caller(OTHER_BANK, "officer", reading=True) as read:
        seen = await read.rows("SELECT vehicle_id FROM wms.visit WHERE site_id = %(site)s", {"site": SITE})
    assert {row["vehicle_id"] for row in seen} == {vehicle_id} != {other_id}


async def test_the_answers_of_banks_are_told(warehouse: Warehouse, as_caller, pledged: Sequence[str]) -> None:
    visit = await warehouse.visit()
    tare_id = await stated(warehouse, visit.vehicle_id)
    async with as_caller(BANK, "officer") as bank:
        await warehouse.do(ApproveTare(tare_id=tare_id), bank)
        await warehouse.do(WithdrawTare(tare_id=tare_id, reason="After all."), bank)
    answered, withdrawn = bank.events
    assert isinstance(answered, TareAnswered)
    assert isinstance(withdrawn, TareWithdrawn)
    assert msgspec.structs.asdict(answered)["party_id"] == BANK
    assert withdrawn.vehicle_id == answered.vehicle_id == visit.vehicle_id
