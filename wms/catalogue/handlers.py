"""Entering items."""

from kernel.errors import Conflict
from kernel.tx import Tx
from wms.catalogue import store
from wms.catalogue.model import normal_items
from wms.messages import RegisterSkus

SKUS_SHOWN_MAX = 10


async def register_skus(command: RegisterSkus, tx: Tx) -> int:
    """Enter or correct items; returns how many.

    Conflict `skus.other_party` when an item that another party entered would be changed, `skus.mass_fixed`
    when the mass of a piece would: it decides what stock is worth, at every site and for every owner, and the
    banks' prices are of a piece of that mass. Entering an item just as it is changes nothing.
    """
    items = normal_items(command.items)
    written = await store.register(tx, items)
    others = [item for item in items if item.sku not in written]
    if others:
        known = await store.items_of(tx, [item.sku for item in others])
        theirs = await store.of_other_parties(tx, known)
        changed = [item.sku for item in others if item.sku in theirs and known[item.sku] != item]
        if changed:
            raise Conflict("skus.other_party", skus=changed[:SKUS_SHOWN_MAX], count=len(changed))
        reweighed = [item.sku for item in others if item.sku not in theirs]
        if reweighed:
            raise Conflict(
                "skus.mass_fixed",
                field="unit_mass_g",
                rule="entered once",
                skus=reweighed[:SKUS_SHOWN_MAX],
                count=len(reweighed),
            )
    return len(items)
