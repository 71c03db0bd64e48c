"""The fold: a batch of a site's journal, from observations to verified stock and alarms.

Order: tracks of tags, then visits of vehicles, then belief in units and lots, then judgement of the gates.
Each stage derives anew only what the one before it touched, and each result is a function of the set of
observations, so batches may come in any order and any number of times.
"""

from collections.abc import Collection, Mapping, Sequence

from kernel.errors import Conflict
from kernel.messages import Envelope, StockClaimed
from kernel.tx import Tx
from twin.alarms.judging import judge
from twin.evidence.handlers import believe, compare_books
from twin.goods import handlers as goods
from twin.goods import store as goods_store
from twin.layout.handlers import import_layout
from twin.layout.model import SiteMap, slots_removed
from twin.layout.store import current, lock_version, site_map
from twin.messages import ExpectedArrival, ImportLayout, LayoutImported, UnitDeclaration
from twin.presence.handlers import (
    Touched,
    fold_sightings,
    place_assets,
    put_poses,
    refold,
    see_slots,
    take_in,
)
from twin.presence.views import stock_in
from twin.visits.handlers import derive_visits, take_barriers, take_weighings
from twin.visits.model import Weighing

SHOWN_MAX = 10
"""Slots and units that a refusal names."""


async def apply(tx: Tx, envelopes: Sequence[Envelope]) -> None:
    """See `twin.api.apply`."""
    by_site: dict[str, list[Envelope]] = {}
    for envelope in envelopes:
        by_site.setdefault(envelope.site_id, []).append(envelope)
    for site_id, batch in sorted(by_site.items()):
        await _apply_site(tx, site_id, batch)


async def _apply_site(tx: Tx, site_id: str, batch: Sequence[Envelope]) -> None:
    site = await site_map(tx, site_id)
    intake = await take_in(tx, site_id, batch, site)
    await put_poses(tx, site_id, intake.poses)
    touched = await fold_sightings(tx, site_id, intake.sightings, site)
    await see_slots(tx, site_id, intake, touched)
    weighings = await take_weighings(tx, site_id, intake.weighings, site, touched)
    await take_barriers(tx, site_id, intake.barriers, touched)
    await _derive(tx, site_id, touched, weighings, site)


async def _derive(
    tx: Tx, site_id: str, touched: Touched, weighings: Sequence[Weighing], site: SiteMap
) -> None:
    derivations = await derive_visits(tx, site_id, touched, weighings, site)
    await believe(tx, touched.unit_ids)
    await judge(tx, site_id, derivations, touched)


async def _derive_tags(tx: Tx, site_id: str, tags: Collection[str]) -> None:
    """Fold tags again that were seen before they were declared."""
    if not tags:
        return
    site = await site_map(tx, site_id)
    touched = await refold(tx, site_id, tags, site)
    await _derive(tx, site_id, touched, (), site)


async def import_layout_and_place(command: ImportLayout, tx: Tx) -> LayoutImported:
    """Import the layout, then number what moves on its mounts.

    Raises Conflict `layout.slots_in_use` when it takes slots away that hold stock by sight or by the books.
    """
    layout = command.layout
    before = await current(tx, layout.site_id) if await lock_version(tx, layout.site_id) else None
    imported = await import_layout(command, tx)
    if before is not None:
        _refuse_stock_left(await stock_in(tx, layout.site_id, slots_removed(before[0], layout)))
    await place_assets(tx, imported.site_id)
    return imported


def _refuse_stock_left(left: Mapping[str, str]) -> None:
    if left:
        raise Conflict(
            "layout.slots_in_use",
            field="layout.racks",
            rule="with every slot that holds stock",
            slot_ids=sorted(set(left.values()))[:SHOWN_MAX],
            unit_ids=sorted(left)[:SHOWN_MAX],
            count=len(left),
        )


async def declare_units(tx: Tx, units: Sequence[UnitDeclaration]) -> None:
    """See `twin.api.declare_units`."""
    await goods.declare_units(tx, units)
    by_site: dict[str, list[UnitDeclaration]] = {}
    for unit in units:
        by_site.setdefault(unit.site_id, []).append(unit)
    for site_id, declared in sorted(by_site.items()):
        tags = [unit.epc_hex.upper() for unit in declared if unit.epc_hex is not None]
        await _derive_tags(tx, site_id, tags)


async def declare_vehicle(tx: Tx, vehicle_id: str, site_id: str, epc_hex: str | None, plate: str) -> None:
    """See `twin.api.declare_vehicle`."""
    await goods.declare_vehicle(tx, vehicle_id, site_id, epc_hex, plate)
    if epc_hex is not None:
        await _derive_tags(tx, site_id, [epc_hex.upper()])


async def declare_claims(tx: Tx, claims: Sequence[StockClaimed]) -> None:
    """See `twin.api.declare_claims`."""
    await goods.declare_claims(tx, claims)
    await compare_books(tx, {claim.unit_id for claim in claims})


async def expect_arrival(tx: Tx, arrival: ExpectedArrival) -> None:
    """See `twin.api.expect_arrival`."""
    await goods.expect_arrival(tx, arrival)
    await _derive_tags(tx, arrival.site_id, await goods_store.tags_of(tx, arrival.unit_ids))
