"""SQL of reservations. Their orders, tasks and units are locked by the caller."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kernel.tx import ReadTx, Row, Tx

INSERT = """
    INSERT INTO wms.reservation (reservation_id, site_id, order_id, line_no, balance_id, quantity_each,
        mass_g, state, reserved_at, changed_at)
    SELECT t.reservation_id, %(site_id)s, t.order_id, t.line_no, t.balance_id, t.quantity_each, t.mass_g,
        'reserved', %(now)s, %(now)s
    FROM unnest(%(reservation_ids)s::text[], %(order_ids)s::text[], %(line_nos)s::integer[],
        %(balance_ids)s::bigint[], %(quantities)s::bigint[], %(masses)s::bigint[])
        AS t(reservation_id, order_id, line_no, balance_id, quantity_each, mass_g)"""
# The pieces are on the outbound floor now, in the pallet itself or in the order's parcel.
PICKED = """
    UPDATE wms.reservation r SET state = 'picked', balance_id = t.balance_id, changed_at = %(now)s
    FROM unnest(%(reservation_ids)s::text[], %(balance_ids)s::bigint[]) AS t(reservation_id, balance_id)
    WHERE r.reservation_id = t.reservation_id AND r.state = 'reserved'"""
CHANGE = """
    UPDATE wms.reservation SET state = %(new)s, changed_at = %(now)s
    WHERE reservation_id = ANY(%(reservation_ids)s) AND state = %(old)s"""
OF_ORDERS = """
    SELECT r.reservation_id, r.order_id, r.line_no, r.balance_id, r.quantity_each, r.mass_g, r.state,
        b.unit_id, b.bin, b.lot_id, b.sku, b.owner_party_id
    FROM wms.reservation r JOIN wms.balance b USING (balance_id)
    WHERE r.order_id = ANY(%(order_ids)s) AND r.state = ANY(%(states)s)
    ORDER BY r.balance_id, r.reservation_id"""
# A parcel that is released, or has left, is closed: the order's next pieces go into another.
PARCELS = """
    SELECT o.order_id, o.owner_party_id, CASE WHEN NOT EXISTS (
            SELECT FROM wms.release_reservation rr JOIN wms.release r USING (release_id)
            WHERE rr.unit_id = o.parcel_unit_id AND r.state IN ('issued', 'at_gate', 'departed'))
        THEN o.parcel_unit_id END AS parcel_unit_id
    FROM wms.outbound_order o
    WHERE o.order_id = ANY(%(order_ids)s)"""
SET_PARCELS = """
    UPDATE wms.outbound_order o SET parcel_unit_id = t.unit_id
    FROM unnest(%(order_ids)s::text[], %(unit_ids)s::text[]) AS t(order_id, unit_id)
    WHERE o.order_id = t.order_id"""


async def insert(tx: Tx, site_id: str, reservations: Sequence[Row]) -> None:
    names = {
        "reservation_ids": "reservation_id",
        "order_ids": "order_id",
        "line_nos": "line_no",
        "balance_ids": "balance_id",
        "quantities": "quantity_each",
        "masses": "mass_g",
    }
    columns: dict[str, Any] = {
        column: [row[field] for row in reservations] for column, field in names.items()
    }
    await tx.run(INSERT, {"site_id": site_id, "now": tx.now, **columns})


async def mark_picked(tx: Tx, balance_of: Mapping[str, int]) -> None:
    """Mark reservations as picked, each with the balance that has its pieces now; each was reserved."""
    params = {"reservation_ids": list(balance_of), "balance_ids": list(balance_of.values()), "now": tx.now}
    done = await tx.run(PICKED, params)
    assert done == len(balance_of), "a reservation is picked once"


async def change(tx: Tx, reservation_ids: Sequence[str], old: str, new: str) -> None:
    """Change states, each from `old`; a reservation that is no longer `old` is a fault."""
    params = {"reservation_ids": list(reservation_ids), "old": old, "new": new, "now": tx.now}
    done = await tx.run(CHANGE, params)
    assert done == len(reservation_ids), f"every reservation was {old}"


async def of_orders(read: ReadTx, order_ids: Iterable[str], states: Sequence[str]) -> list[Row]:
    """Reservations with the place of their pieces, by balance."""
    return await read.rows(OF_ORDERS, {"order_ids": sorted(set(order_ids)), "states": list(states)})


async def parcels(read: ReadTx, order_ids: Iterable[str]) -> dict[str, Row]:
    rows = await read.rows(PARCELS, {"order_ids": sorted(set(order_ids))})
    return {row["order_id"]: row for row in rows}


async def set_parcels(tx: Tx, parcel_of: dict[str, str]) -> None:
    if parcel_of:
        await tx.run(SET_PARCELS, {"order_ids": list(parcel_of), "unit_ids": list(parcel_of.values())})
