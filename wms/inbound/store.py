"""SQL of deliveries."""

from collections.abc import Sequence
from datetime import datetime

from kernel.tx import ReadTx, Row, Tx

INSERT = """
    INSERT INTO wms.delivery (delivery_id, site_id, owner_party_id, lot_id, sku, visit_id, state,
        expected_net_g, announced_at)
    VALUES (%(delivery_id)s, %(site_id)s, %(owner_party_id)s, %(lot_id)s, %(sku)s, %(visit_id)s,
        'announced', %(expected_net_g)s, %(now)s) ON CONFLICT (delivery_id) DO NOTHING"""
INSERT_UNITS = """
    INSERT INTO wms.delivery_unit (delivery_id, unit_id)
    SELECT %(delivery_id)s, unnest(%(unit_ids)s::text[])"""
LOCK_OF_UNIT = """
    SELECT d.delivery_id, d.site_id, d.lot_id, d.state, d.owner_party_id, d.sku, du.seen_at, u.full_each
    FROM wms.delivery_unit du JOIN wms.delivery d USING (delivery_id) JOIN wms.unit u USING (unit_id)
    WHERE du.unit_id = %(unit_id)s FOR UPDATE OF d, du"""
SEEN = """
    UPDATE wms.delivery_unit SET seen_at = %(at)s WHERE unit_id = %(unit_id)s AND seen_at IS NULL"""
ARRIVED_OF_VISIT = """
    UPDATE wms.delivery SET state = 'arrived' WHERE visit_id = %(visit_id)s AND state = 'announced'"""
RECEIVING = """
    UPDATE wms.delivery SET state = 'receiving'
    WHERE delivery_id = %(delivery_id)s AND state IN ('announced', 'arrived')"""
PUT_AWAY = """
    UPDATE wms.delivery_unit SET put_away_at = %(now)s
    WHERE unit_id = ANY(%(unit_ids)s) AND put_away_at IS NULL"""
# Received: everything that came is put away, and nothing more can come because the vehicle has left.
END_COMPLETE = """
    UPDATE wms.delivery d SET state = 'received', received_at = %(now)s
    FROM wms.visit v
    WHERE v.visit_id = d.visit_id AND d.state = 'receiving'
        AND (d.delivery_id = ANY(%(delivery_ids)s) OR d.visit_id = %(visit_id)s)
        AND NOT EXISTS (
            SELECT FROM wms.delivery_unit du
            WHERE du.delivery_id = d.delivery_id AND du.put_away_at IS NULL
                AND (du.seen_at IS NOT NULL OR v.state <> 'left'))
    RETURNING d.delivery_id, d.site_id, d.lot_id"""
UNITS = """
    SELECT unit_id, seen_at, put_away_at FROM wms.delivery_unit
    WHERE delivery_id = %(delivery_id)s ORDER BY unit_id"""
# Pallets on the receiving floor that nobody has been told to put away.
STAGED_WITHOUT_TASK = """
    SELECT b.unit_id, b.lot_id, b.quantity_each, u.full_mass_g, du.delivery_id
    FROM wms.balance b JOIN wms.unit u USING (unit_id) LEFT JOIN wms.delivery_unit du USING (unit_id)
    WHERE b.site_id = %(site_id)s AND b.bin = %(bin)s AND b.quantity_each > 0
        AND NOT EXISTS (
            SELECT FROM wms.task t
            WHERE t.site_id = b.site_id AND t.unit_id = b.unit_id AND t.state IN ('open', 'claimed'))
    ORDER BY b.unit_id LIMIT %(limit)s"""
BINS_OF_LOT = """
    SELECT DISTINCT bin FROM wms.balance WHERE lot_id = %(lot_id)s AND quantity_each > 0"""
UNLOADED_MASS = """
    SELECT coalesce(sum(u.full_mass_g), 0)::bigint AS mass_g
    FROM wms.delivery d JOIN wms.delivery_unit du USING (delivery_id) JOIN wms.unit u USING (unit_id)
    WHERE d.visit_id = %(visit_id)s AND du.seen_at IS NOT NULL AND NOT (du.unit_id = ANY(%(aboard)s))"""
LOCK_OF_VISIT = """
    SELECT delivery_id, site_id, state FROM wms.delivery WHERE visit_id = %(visit_id)s FOR UPDATE"""
CANCEL = "UPDATE wms.delivery SET state = 'cancelled' WHERE delivery_id = %(delivery_id)s"
WITHDRAW_UNITS = """
    UPDATE wms.unit SET withdrawn_at = %(now)s
    WHERE unit_id IN (SELECT unit_id FROM wms.delivery_unit WHERE delivery_id = %(delivery_id)s)"""

PAGE = """
    SELECT d.delivery_id, d.site_id, d.lot_id, l.code AS lot_code, d.owner_party_id, p.name AS owner_name,
        d.sku, d.visit_id, v.plate, v.vehicle_id, d.state, v.cancelled_reason, d.expected_net_g,
        d.announced_at, d.received_at, v.entry_mass_g AS gross_g, v.exit_mass_g AS tare_g,
        count(*) AS units_expected, count(du.seen_at) AS units_seen,
        count(du.put_away_at) AS units_put_away,
        count(*) FILTER (WHERE d.state = 'received' AND du.seen_at IS NULL) AS discrepancies
    FROM wms.delivery d JOIN wms.visit v USING (visit_id) JOIN wms.delivery_unit du USING (delivery_id)
    JOIN wms.lot l USING (lot_id) LEFT JOIN identity.party p ON p.party_id = d.owner_party_id
    WHERE {where}
    GROUP BY d.delivery_id, v.visit_id, l.lot_id, p.party_id ORDER BY d.delivery_id DESC LIMIT %(limit)s"""
PAGE_OF_SITE = PAGE.format(
    where="d.site_id = %(site_id)s AND (%(cursor)s::text IS NULL OR d.delivery_id < %(cursor)s)"
)
ONE = PAGE.format(where="d.delivery_id = %(delivery_id)s")


async def insert(tx: Tx, delivery: Row, unit_ids: Sequence[str]) -> bool:
    """False when the id is taken."""
    if await tx.run(INSERT, {**delivery, "now": tx.now}) == 0:
        return False
    await tx.run(INSERT_UNITS, {"delivery_id": delivery["delivery_id"], "unit_ids": list(unit_ids)})
    return True


async def lock_of_unit(tx: Tx, unit_id: str) -> Row | None:
    """The delivery that announced the unit, locked; None for a unit that came otherwise."""
    return await tx.row(LOCK_OF_UNIT, {"unit_id": unit_id})


async def mark_seen(tx: Tx, delivery_id: str, unit_id: str, at: datetime) -> None:
    await tx.run(SEEN, {"unit_id": unit_id, "at": at})
    await tx.run(RECEIVING, {"delivery_id": delivery_id})


async def mark_arrived(tx: Tx, visit_id: str) -> None:
    await tx.run(ARRIVED_OF_VISIT, {"visit_id": visit_id})


async def mark_put_away(tx: Tx, unit_ids: Sequence[str]) -> None:
    await tx.run(PUT_AWAY, {"unit_ids": list(unit_ids), "now": tx.now})


async def end_complete(tx: Tx, delivery_ids: Sequence[str], visit_id: str | None = None) -> list[Row]:
    """End those deliveries of which nothing is outstanding; returns them."""
    params = {"delivery_ids": list(delivery_ids), "visit_id": visit_id, "now": tx.now}
    return await tx.rows(END_COMPLETE, params)


async def lock_of_visit(tx: Tx, visit_id: str) -> Row | None:
    """The delivery that the visit brings, locked; None for a vehicle that fetches."""
    return await tx.row(LOCK_OF_VISIT, {"visit_id": visit_id})


async def cancel(tx: Tx, delivery_id: str) -> None:
    """Take a delivery back; the codes of its units are free."""
    await tx.run(CANCEL, {"delivery_id": delivery_id})
    await tx.run(WITHDRAW_UNITS, {"delivery_id": delivery_id, "now": tx.now})


async def units_of(read: ReadTx, delivery_id: str) -> list[Row]:
    return await read.rows(UNITS, {"delivery_id": delivery_id})


async def staged_without_task(tx: Tx, site_id: str, bin_name: str, limit: int) -> list[Row]:
    return await tx.rows(STAGED_WITHOUT_TASK, {"site_id": site_id, "bin": bin_name, "limit": limit})


async def bins_of_lot(read: ReadTx, lot_id: str) -> set[str]:
    return {row["bin"] for row in await read.rows(BINS_OF_LOT, {"lot_id": lot_id})}


async def unloaded_mass_g(tx: Tx, visit_id: str, aboard: Sequence[str]) -> int:
    """The declared mass of what this visit brought in and is not heard aboard any more."""
    row = await tx.row(UNLOADED_MASS, {"visit_id": visit_id, "aboard": list(aboard)})
    return int(row["mass_g"]) if row else 0


async def page(read: ReadTx, site_id: str, cursor: str | None, limit: int) -> list[Row]:
    return await read.rows(PAGE_OF_SITE, {"site_id": site_id, "cursor": cursor, "limit": limit})


async def one(read: ReadTx, delivery_id: str) -> Row | None:
    return await read.row(ONE, {"delivery_id": delivery_id, "limit": 1})
