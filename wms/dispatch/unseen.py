"""By the clock: what left by a gate though nothing told that it did."""

from kernel.tx import Tx
from twin import api as twin
from wms.dispatch import store
from wms.dispatch.before import GONE_AFTER, STANDS_LASTS
from wms.dispatch.gate import held_lots, tell_left_refused
from wms.visits import store as visits


async def tell_what_left_unseen(tx: Tx) -> None:
    """Have the twin judge what passed over the loops with no vehicle known, and tell it of refused vehicles
    that were heard outside and then no more. Repeated, it tells the same once."""
    for site_id, gate_id, since in await twin.gates_passed(tx):
        await twin.judge_passages(tx, site_id, gate_id, since, await held_lots(tx, site_id))
    for seen in await store.outward_since(tx, tx.now - STANDS_LASTS, tx.now - GONE_AFTER):
        left = await twin.gone_unheard(tx, seen.vehicle_id, tx.now - GONE_AFTER)
        visit = await visits.lock_live(tx, seen.site_id, seen.vehicle_id)
        if left is not None and (visit is None or visit["state"] != "leaving"):
            await tell_left_refused(tx, left, visit)
