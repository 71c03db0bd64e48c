"""A truck that only ever brings goods, while goods of the site are pledged."""

from tests.store.finance.conftest import BANK, KEEPER, OWNER, SKU, TRUCK_G, Pallet, Story
from tests.store.finance.test_left_refused import active, turned_by_its_key
from wms.messages import AnnounceDelivery, ApproveTare, ProposeTare, Vehicle

TRUCK = "3415A537C8000000000F4240"
BROUGHT = 3


async def leaves(story: Story) -> None:
    """Empty, past the boom."""
    await story.drive_out(TRUCK, (), TRUCK_G)
    await turned_by_its_key(story)


async def unloads(story: Story) -> str:
    """The truck comes and its pallets are put away; its id."""
    story.clock.advance(3600)
    first = story._pallets
    units = tuple(story._announced() for _ in range(BROUGHT))
    told = await story.do(
        AnnounceDelivery(
            site_id=story.site_id,
            owner_party_id=OWNER,
            lot_code=f"DAILY-{first}",
            sku=SKU,
            vehicle=Vehicle(plate="赣A88888", epc_hex=TRUCK),
            units=units,
        ),
        KEEPER,
    )
    there = tuple(
        Pallet(unit_id=unit_id, epc_hex=unit.epc_hex, slot=first + nth)
        for nth, (unit_id, unit) in enumerate(zip(told.unit_ids, units, strict=True))
    )
    await story.drive_in(TRUCK, there)
    await story.put_down(there)
    return str(told.vehicle_id)


async def last_decision(story: Story) -> tuple[bool, str]:
    sql = "SELECT opened, reason_key FROM wms.gate_decision ORDER BY decision_no DESC LIMIT 1"
    [row] = await story.tx.rows(sql)
    return row["opened"], row["reason_key"]


async def test_it_delivers_again_and_again_without_an_alarm_once_its_empty_mass_is_agreed(
    story: Story,
) -> None:
    await story.pledged(await story.receive(), await story.facility())
    vehicle_id = await unloads(story)
    licence = "Licence 8888"
    stated = ProposeTare(site_id=story.site_id, vehicle_id=vehicle_id, mass_g=TRUCK_G, document=licence)
    tare = await story.do(stated, KEEPER)
    await story.do(ApproveTare(tare_id=tare.tare_id), BANK)
    await leaves(story)
    for _ in range(3):
        assert await last_decision(story) == (True, "gate.empty")
        await unloads(story)
        await leaves(story)
    assert await last_decision(story) == (True, "gate.empty")
    assert await active(story) == []
