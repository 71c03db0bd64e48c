"""Goods leave against a release; the receipt on them ends at the gate."""

import pytest

from finance.api import audit
from finance.messages import ReleasePledge
from finance.receipts.views import receipt_view
from kernel.errors import Conflict
from tests.store.finance.conftest import BANK, KEEPER, OWNER, Lot, Story
from tests.store.finance.test_lending import audited, pledge_of
from wms.messages import ShipmentDeparted


def departed(story: Story, lot: Lot, unit_ids: tuple[str, ...]) -> ShipmentDeparted:
    """What wms says when released pallets have passed the open barrier."""
    return ShipmentDeparted(
        site_id=story.site_id,
        release_id="release-1",
        order_id="order-1",
        gate_id="gate-1",
        vehicle_id="vehicle-9",
        unit_ids=unit_ids,
        lot_ids=(lot.lot_id,),
        evidence_ids=("gate-1-reader:1:900",),
        departed_at=story.clock.now(),
    )


async def receipt(story: Story, receipt_id: str):
    return await story.read(KEEPER, lambda read: receipt_view(read, receipt_id), "keeper")


async def test_the_receipt_is_cancelled_when_all_its_pallets_have_left(story: Story) -> None:
    lot = await story.receive()
    receipt_id = await story.receipt(lot)
    await story.tell(departed(story, lot, lot.unit_ids[:5]))
    part = await receipt(story, receipt_id)
    assert (part.state, part.live_units) == ("issued", 7)
    await story.tell(departed(story, lot, lot.unit_ids))
    whole = await receipt(story, receipt_id)
    assert (whole.state, whole.live_units) == ("cancelled", 0)
    assert [step.kind for step in whole.history] == [
        "issued",
        "unit_delivered",
        "unit_delivered",
        "cancelled",
    ]
    assert whole.history[-1].facts["cause"] == "delivered"
    await audited(story)


async def test_a_departure_told_again_changes_nothing(story: Story) -> None:
    lot = await story.receive(3)
    receipt_id = await story.receipt(lot)
    for _ in range(3):
        await story.tell(departed(story, lot, lot.unit_ids))
    assert len((await receipt(story, receipt_id)).history) == 3


async def test_goods_without_a_receipt_leave_unnoticed_here(story: Story) -> None:
    lot = await story.receive(3)
    await story.tell(departed(story, lot, lot.unit_ids))
    assert [journal.entries for journal in await audit(story.tx)] == [0, 0]


async def test_a_departure_of_pledged_goods_is_not_taken_for_a_delivery(story: Story) -> None:
    lot, facility_id = await story.receive(3), await story.facility()
    receipt_id = await story.pledged(lot, facility_id)
    with pytest.raises(Conflict, match=r"receipts\.state"):
        await story.tell(departed(story, lot, lot.unit_ids))
    assert (await receipt(story, receipt_id)).state == "pledged"


async def test_released_goods_leave_and_their_pallets_may_be_received_again(story: Story) -> None:
    lot, facility_id = await story.receive(3), await story.facility()
    receipt_id = await story.pledged(lot, facility_id)
    await story.do(ReleasePledge(pledge_id=await pledge_of(story, receipt_id)), BANK)
    await story.tell(departed(story, lot, lot.unit_ids))
    view = await story.read(OWNER, lambda read: receipt_view(read, receipt_id), "borrower")
    assert view.state == "cancelled"
    live = await story.tx.value("SELECT count(*) FROM finance.receipt_unit WHERE live")
    assert live == 0
    await audited(story)
