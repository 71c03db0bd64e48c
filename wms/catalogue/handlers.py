"""Entering items."""

from kernel.errors import Conflict
from kernel.tx import Tx
from wms.catalogue import store
from wms.catalogue.model import normal_items
from wms.messages import RegisterSkus

SKUS_SHOWN_MAX = 10


async def register_skus(command: RegisterSkus, tx: Tx) -> int:
    """Enter or correct items; returns how many.

    Conflict `skus.other_party` when an item that another party entered would be changed: the mass of a piece
    decides what stock is worth, at every site and for every owner. Entering it just as it is changes nothing.
    """
    items = normal_items(command.items)
    written = await store.register(tx, items)
    others = [item for item in items if item.sku not in written]
    if others:
        known = await store.items_of(tx, [item.sku for item in others])
        changed = [item.sku for item in others if known[item.sku] != item]
        if changed:
            raise Conflict("skus.other_party", skus=changed[:SKUS_SHOWN_MAX], count=len(changed))
    return len(items)
