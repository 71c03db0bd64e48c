"""A receipt's pieces are as good as its mass, and a pledge is worth what is seen of its own units."""

import pytest

from finance.messages import PledgeReceipt, ProposeDrawdown
from finance.receipts.views import receipt_view
from finance.standing.views import facility_detail
from kernel.errors import Conflict
from tests.store.finance.conftest import BANK, EACH, KEEPER, OWNER, PIECE_G, SKU, Story
from tests.store.finance.test_lending import due
from wms.messages import AdjustStock, RegisterSkus, SkuEntry


async def test_pieces_that_would_weigh_more_than_the_pallet_carry_no_receipt(story: Story) -> None:
    """Of goods that came in before anybody had stated the mass of a piece."""
    await story.tx.run("UPDATE wms.sku SET unit_mass_g = 0")
    lot = await story.receive(3)
    heavy = SkuEntry(sku=SKU, name_en="Rice, 25 kg", name_zh="大米25公斤", unit_mass_g=26_000)
    await story.do(RegisterSkus(items=(heavy,)), KEEPER)
    with pytest.raises(Conflict, match=r"receipts\.mass_disagrees") as refused:
        await story.receipt(lot)
    facts = refused.value.facts
    assert (facts["declared_g"], facts["pieces_g"]) == (3_000_000, 3 * EACH * 26_000)
    assert facts["weighed_low_g"] < 3_000_000 < facts["weighed_high_g"]


async def test_what_the_scale_may_be_wrong_by_is_never_lent_on(story: Story) -> None:
    lot, facility_id = await story.receive(2, pallet_g=975_000), await story.facility()
    await story.pledged(lot, facility_id)
    mass_g_low = (await story.verified(lot)).mass_g_low
    assert mass_g_low is not None
    why = (
        await story.read(BANK, lambda read: facility_detail(read, facility_id), "officer")
    ).lendable_explained
    assert (why.verified_low, why.counted_each) == (2, mass_g_low // PIECE_G)
    assert why.counted_each + why.unweighed_each == 2 * EACH
    assert why.unweighed_each > 0, "2 t are declared, and 1.95 t came"
    stated_fen = 2 * EACH * 12_345 * 7 // 10
    drawdown = ProposeDrawdown(facility_id=facility_id, amount_fen=stated_fen, maturity_on=due(story))
    with pytest.raises(Conflict, match=r"drawdown\.above_lendable") as refused:
        await story.do(drawdown, BANK)
    assert refused.value.facts["lendable_fen"] == why.counted_each * 12_345 * 7 // 10


async def test_a_book_that_no_longer_says_what_the_receipt_does_is_not_pledged(story: Story) -> None:
    lot, facility_id = await story.receive(3), await story.facility()
    receipt_id = await story.receipt(lot)
    count = AdjustStock(unit_id=lot.unit_ids[1], counted_each=EACH - 1, reason="Counted")
    await story.do(count, KEEPER)
    with pytest.raises(Conflict, match=r"pledge\.book_differs") as refused:
        await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id), OWNER)
    assert refused.value.facts["unit_ids"] == [lot.unit_ids[1]]


async def test_writing_other_pallets_off_does_not_replace_pledged_ones_that_are_gone(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    receipt_id = await story.receipt(lot, lot.unit_ids[:6])
    await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id), OWNER)
    truck = await story.visit()
    await story.drive_out(truck, lot.pallets[:6], None)
    for unit_id in lot.unit_ids[6:]:
        await story.do(AdjustStock(unit_id=unit_id, counted_each=0, reason="Counted"), KEEPER)
    story.clock.advance(60)
    await story.put_down(lot.pallets[6:])
    view = await story.read(BANK, lambda read: facility_detail(read, facility_id), "officer")
    assert (view.lendable_explained.verified_low, view.lendable_fen) == (0, 0)
    receipt = await story.read(KEEPER, lambda read: receipt_view(read, receipt_id), "keeper")
    assert receipt.verified is not None
    assert (receipt.verified.low, receipt.verified.high) == (0, 0)
