"""Believing units and lots anew after something touched them."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from kernel.tx import Row, Tx
from twin.evidence import store
from twin.evidence.model import (
    Discrepancy,
    Presence,
    UnitBelief,
    UnitSeen,
    discrepancies_of,
    lot_evidence,
    presence_of,
)
from twin.evidence.store import UNIT_COLUMNS, Grounds
from twin.messages import VerifiedStockChanged
from twin.presence.sights import sight_of

EVIDENCE_KEPT = 60
"""Observation ids a lot names: some of each modality, spread over its units."""


async def believe(tx: Tx, unit_ids: Collection[str]) -> None:
    """Derive the rows of units, the discrepancies about them, and their lots' verified stock.

    Only rows that change are written; a lot is counted again only when one of its units changed.
    """
    if not unit_ids:
        return
    lots = await store.lock_lots(tx, await store.lots_of(tx, unit_ids))
    await store.lock_units(tx, unit_ids)
    changed: list[Row] = []
    found: list[tuple[Row, Discrepancy]] = []
    for ground in await store.grounds(tx, unit_ids):
        presence = believe_unit(ground)
        row = unit_row(presence)
        if any(row[column] != ground.row[column] for column in UNIT_COLUMNS):
            changed.append({"unit_id": ground.row["unit_id"], "lot_id": ground.row["lot_id"], **row})
        found += [(ground.row, item) for item in discrepancies_of(_belief(ground, presence))]
    await store.put_units(tx, changed)
    await store.replace_discrepancies(tx, unit_ids, found)
    await _count_lots(tx, {lot_id: lots[lot_id] for lot_id in {row["lot_id"] for row in changed}})


async def compare_books(tx: Tx, unit_ids: Collection[str]) -> None:
    """Find discrepancies anew after the books changed. What sensors said, and any count, stays as it is."""
    if not unit_ids:
        return
    await store.lock_units(tx, unit_ids)
    found = [
        (ground.row, item)
        for ground in await store.grounds(tx, unit_ids)
        for item in discrepancies_of(_belief(ground, believe_unit(ground)))
    ]
    await store.replace_discrepancies(tx, unit_ids, found)


def believe_unit(ground: Grounds) -> Presence:
    """One unit's presence from its grounds, with the two words that expectations decide.

    A unit whose delivery is done without any sensor having seen it is `missing`; one that left on a
    release is not missing.
    """
    presence = presence_of(
        ground.track,
        ground.check,
        ground.left_at,
        ground.row["expected_mass_g"],
        ground.unguarded_at,
        sight_of(ground.track, ground.slot, ground.placed_over_at),
    )
    level = presence.level
    if level == "claimed" and ground.delivery_done_at is not None:
        level = "missing"
    if presence.place == "left" and _is_released(ground, presence.gone_at):
        level = "seen"
    return msgspec.structs.replace(presence, level=level)


def _is_released(ground: Grounds, at: datetime | None) -> bool:
    return at is not None and any(start <= at <= end for start, end in ground.releases)


def unit_row(presence: Presence) -> Row:
    """The columns of a unit's row that sensors decide, as the database gives them back."""
    row = {column: getattr(presence, column) for column in UNIT_COLUMNS}
    row["modalities"] = msgspec.to_builtins(presence.modalities)
    return row


def _belief(ground: Grounds, presence: Presence) -> UnitBelief:
    return UnitBelief(
        claimed_slot_id=ground.row["claimed_slot_id"],
        claimed_at=ground.row["claimed_at"],
        seen_place=presence.place,
        seen_slot_id=presence.slot_id,
        seen_at=presence.last_seen_at if ground.track is not None else None,
        placed_at=None if ground.track is None else ground.track.placed_at,
        gone_at=presence.gone_at,
        is_released=_is_released(ground, presence.gone_at),
        delivery_done_at=ground.delivery_done_at,
        mass_differs_at=ground.row["mass_differs_at"],
        seen_after_exit=presence.seen_after_exit,
    )


async def _count_lots(tx: Tx, lots: dict[str, Row]) -> None:
    if not lots:
        return
    rows = []
    for lot_id, units in (await store.seen_units(tx, lots)).items():
        evidence = lot_evidence(units)
        row = store.lot_row(lot_id, evidence, _name_evidence(units))
        before = lots[lot_id]
        rows.append(row)
        counts = ("low", "mid", "high")
        if any(row[name] != before[name] for name in counts) or set(row["modalities"]) != set(
            before["modalities"]
        ):
            tx.emit(_stock_changed(before["site_id"], row, tx.now))
    await store.put_lots(tx, rows)


def _stock_changed(site_id: str, row: Row, now: datetime) -> VerifiedStockChanged:
    return VerifiedStockChanged(
        site_id=site_id,
        lot_id=row["lot_id"],
        low=row["low"],
        mid=row["mid"],
        high=row["high"],
        modalities=row["modalities"],
        as_of=row["as_of"] or now,
    )


def _name_evidence(units: Sequence[UnitSeen]) -> list[str]:
    """Ids that the count rests on, each once, as many as are kept."""
    named: dict[str, None] = {}
    for modality in ("mass", "position", "tag", "sight"):
        for unit in units:
            if modality in unit.evidence_ids:
                named.setdefault(unit.evidence_ids[modality])
    ids = list(named)
    step = max(1, -(-len(ids) // EVIDENCE_KEPT))
    return ids[::step]
