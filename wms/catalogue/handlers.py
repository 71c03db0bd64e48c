"""Entering items."""

from kernel.tx import Tx
from wms.catalogue import store
from wms.catalogue.model import normal_items
from wms.messages import RegisterSkus


async def register_skus(command: RegisterSkus, tx: Tx) -> int:
    """Enter or correct items; returns how many."""
    items = normal_items(command.items)
    await store.register(tx, items)
    return len(items)
