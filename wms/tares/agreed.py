"""The empty mass that a keeper and banks agreed on."""

from identity import api as identity
from kernel.tx import Tx
from wms.stock import store as stock
from wms.tares import store
from wms.visits import store as visits


async def agreed_g(tx: Tx, site_id: str, vehicle_id: str) -> int | None:
    """The least stated mass that one bank at least and every bank with goods on hold here has approved, and
    no more than the vehicle was ever weighed at here; None when there is none."""
    approved = await store.approved(tx, site_id, vehicle_id)
    if not approved:
        return None
    banks = await identity.banks_of(tx, await stock.held_lots(tx, site_id))
    agreed = [int(row["mass_g"]) for row in approved if banks <= set(row["party_ids"])]
    if not agreed:
        return None
    weighed_g = await visits.least_weighed_g(tx, site_id, vehicle_id)
    return min(agreed if weighed_g is None else [*agreed, weighed_g])
