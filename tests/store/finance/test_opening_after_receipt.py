"""Once goods of a site are under a receipt, no stock enters its books by the keeper's word alone."""

import pytest

from kernel.errors import Conflict
from kernel.gs1 import make_sscc
from tests.store.finance.conftest import EACH, KEEPER, OWNER, PALLET_G, PREFIX, SKU, SLOTS, Story
from wms.messages import DeclareOpeningStock, OpeningRow


async def test_goods_under_a_receipt_are_not_entered_again_under_new_labels(story: Story) -> None:
    lot = await story.receive(3)
    again = OpeningRow(
        sscc=make_sscc(PREFIX, 1, 1),
        sku=SKU,
        lot="AGAIN",
        quantity_each=EACH,
        mass_g=PALLET_G,
        slot_id=SLOTS[-1].slot_id,
        owner_party_id=OWNER,
    )
    await story.receipt(lot)
    with pytest.raises(Conflict, match=r"opening\.over"):
        await story.do(DeclareOpeningStock(site_id=story.site_id, rows=(again,)), KEEPER)
