"""SQL of prices and pledges."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from finance.collateral.model import Collateral, Price
from kernel.tx import ReadTx, Row, Tx

INSERT_PRICE = """
    INSERT INTO finance.price
        (price_id, bank_party_id, sku, currency, price_fen_each, source, quoted_at, set_at, set_by,
         needs_approval)
    VALUES (%(price_id)s, %(bank_party_id)s, %(sku)s, %(currency)s, %(price_fen_each)s, %(source)s,
        %(quoted_at)s, %(now)s, %(by_person)s, %(needs_approval)s)"""
APPROVE_PRICE = """
    INSERT INTO finance.price_approval (price_id, proposed_by, approved_by, approved_at)
    VALUES (%(price_id)s, %(proposed_by)s, %(by_person)s, %(now)s)"""
REFUSE_PRICE = """
    INSERT INTO finance.price_refusal (price_id, refused_by, refused_at, reason)
    VALUES (%(price_id)s, %(by_person)s, %(now)s, %(reason)s)"""
# Held until the transaction ends: of two prices stated at once the second is judged by the first.
TAKE_PRICES = (
    "SELECT pg_advisory_xact_lock(hashtextextended('finance.price:' || %(bank)s || ':' || %(sku)s, 0))"
)
FIND_PRICE = "SELECT * FROM finance.price WHERE price_id = %(price_id)s"
# How a proposed price was decided; nothing while it waits.
DECISION = """
    SELECT 'approved' FROM finance.price_approval WHERE price_id = %(price_id)s
    UNION ALL SELECT 'refused' FROM finance.price_refusal WHERE price_id = %(price_id)s"""
# The latest quote in force counts; of two quotes of one moment the one that was entered last.
PRICES = """
    SELECT DISTINCT ON (sku) sku, price_fen_each, source, quoted_at FROM finance.price_in_force
    WHERE bank_party_id = %(bank_party_id)s AND currency = %(currency)s AND sku = ANY(%(skus)s)
    ORDER BY sku, quoted_at DESC, set_at DESC, price_id DESC"""
# Beside each price the one that counts now. A proposed one that is older would not count if it were approved.
PRICE_PAGE = """
    SELECT p.price_id, p.sku, p.currency, p.price_fen_each, p.source, p.quoted_at, p.set_at, p.set_by,
        CASE WHEN r.price_id IS NOT NULL THEN 'refused'
            WHEN p.needs_approval AND a.price_id IS NULL THEN 'proposed'
            ELSE 'in_force' END AS state,
        CASE WHEN r.price_id IS NOT NULL THEN 'refused'
            WHEN p.needs_approval AND a.price_id IS NULL
            THEN CASE WHEN (p.quoted_at, p.set_at, p.price_id) < (c.quoted_at, c.set_at, c.price_id)
                THEN 'overtaken' ELSE 'waiting' END
            ELSE CASE WHEN p.price_id = c.price_id THEN 'counts' ELSE 'replaced' END
        END AS standing,
        a.approved_by, a.approved_at, r.refused_by, r.refused_at, r.reason AS refusal_reason
    FROM finance.price p LEFT JOIN finance.price_approval a USING (price_id)
    LEFT JOIN finance.price_refusal r USING (price_id)
    LEFT JOIN LATERAL (
        SELECT i.quoted_at, i.set_at, i.price_id FROM finance.price_in_force i
        WHERE (i.bank_party_id, i.sku, i.currency) = (p.bank_party_id, p.sku, p.currency)
        ORDER BY i.quoted_at DESC, i.set_at DESC, i.price_id DESC LIMIT 1) c ON true
    WHERE p.price_id < coalesce(%(cursor)s, '~') ORDER BY p.price_id DESC LIMIT %(limit)s"""
INSERT_PLEDGE = """
    INSERT INTO finance.pledge
        (pledge_id, receipt_id, facility_id, bank_party_id, site_id, lot_id, sku, hold_id, pledged_at,
         pledged_by)
    VALUES (%(pledge_id)s, %(receipt_id)s, %(facility_id)s, %(bank_party_id)s, %(site_id)s, %(lot_id)s,
        %(sku)s, %(hold_id)s, %(now)s, %(by_person)s)"""
FIND_PLEDGE = "SELECT * FROM finance.pledge WHERE pledge_id = %(pledge_id)s"
# The last one even when it was released: so that a repeated request names the same pledge.
LAST_PLEDGE = """
    SELECT pledge_id FROM finance.pledge WHERE receipt_id = %(receipt_id)s
    ORDER BY released_at IS NULL DESC, pledged_at DESC, pledge_id DESC LIMIT 1"""
END_PLEDGE = """
    UPDATE finance.pledge SET released_at = %(now)s, released_by = %(by_person)s
    WHERE pledge_id = %(pledge_id)s AND released_at IS NULL"""
# What two people gave up as lost counts for nothing any more.
NOT_LOST = """NOT EXISTS (
        SELECT FROM finance.lost_unit l WHERE (l.pledge_id, l.unit_id) = (p.pledge_id, u.unit_id))"""
COLLATERAL = f"""
    SELECT p.facility_id, p.pledge_id, p.receipt_id, p.lot_id, p.sku, r.lien_fen,
        jsonb_object_agg(u.unit_id, u.quantity_each) AS quantities_each
    FROM finance.pledge p
    JOIN finance.receipt r USING (receipt_id)
    JOIN finance.receipt_unit u ON u.receipt_id = p.receipt_id AND u.live
    WHERE p.facility_id = ANY(%(facility_ids)s) AND p.released_at IS NULL AND {NOT_LOST}
    GROUP BY p.pledge_id, r.lien_fen ORDER BY p.facility_id, p.pledge_id"""  # noqa: S608
FACILITIES_OF_LOT = """
    SELECT DISTINCT facility_id FROM finance.pledge
    WHERE lot_id = %(lot_id)s AND released_at IS NULL ORDER BY facility_id"""
FACILITIES_OF_SKU = """
    SELECT DISTINCT facility_id FROM finance.pledge
    WHERE bank_party_id = %(bank_party_id)s AND sku = %(sku)s AND released_at IS NULL
    ORDER BY facility_id"""
FACILITIES_CONCERNED = f"""
    SELECT p.facility_id, array_agg(DISTINCT u.unit_id) FILTER (WHERE u.unit_id = ANY(%(unit_ids)s)) AS units
    FROM finance.pledge p JOIN finance.receipt_unit u ON u.receipt_id = p.receipt_id AND u.live
    WHERE p.released_at IS NULL AND p.site_id = %(site_id)s AND {NOT_LOST}
        AND (p.lot_id = ANY(%(lot_ids)s) OR u.unit_id = ANY(%(unit_ids)s))
    GROUP BY p.facility_id ORDER BY p.facility_id"""  # noqa: S608
LOTS_OF_PLEDGED_UNITS = f"""
    SELECT u.unit_id, p.lot_id
    FROM finance.pledge p JOIN finance.receipt_unit u ON u.receipt_id = p.receipt_id AND u.live
    WHERE p.facility_id = %(facility_id)s AND p.released_at IS NULL AND {NOT_LOST}
    ORDER BY u.unit_id"""  # noqa: S608
HOLDS_OF_PLEDGED_UNITS = """
    SELECT p.pledge_id, p.hold_id, array_agg(u.unit_id ORDER BY u.unit_id) AS unit_ids
    FROM finance.pledge p JOIN finance.receipt_unit u ON u.receipt_id = p.receipt_id AND u.live
    WHERE p.facility_id = %(facility_id)s AND p.released_at IS NULL AND u.unit_id = ANY(%(unit_ids)s)
    GROUP BY p.pledge_id ORDER BY p.pledge_id"""
INSERT_LOST = """
    INSERT INTO finance.lost_unit (pledge_id, unit_id, thaw_id)
    SELECT %(pledge_id)s, unnest(%(unit_ids)s::text[]), %(thaw_id)s"""
BANK_STILL_ON_LOT = """
    SELECT EXISTS (SELECT FROM finance.pledge
        WHERE lot_id = %(lot_id)s AND bank_party_id = %(bank_party_id)s AND released_at IS NULL)"""
PLEDGED_UNITS = """
    SELECT u.unit_id, p.bank_party_id, p.facility_id, p.receipt_id
    FROM finance.pledge p JOIN finance.receipt_unit u ON u.receipt_id = p.receipt_id AND u.live
    WHERE p.released_at IS NULL AND u.unit_id = ANY(%(unit_ids)s) ORDER BY u.unit_id"""


async def insert_price(tx: Tx, row: dict[str, Any]) -> None:
    await tx.run(INSERT_PRICE, {**row, "now": tx.now, "by_person": tx.caller.person_id})


async def take_prices(tx: Tx, bank_party_id: str, sku: str) -> None:
    """From here to the end of the transaction nobody else states or approves a price of this bank's SKU."""
    await tx.value(TAKE_PRICES, {"bank": bank_party_id, "sku": sku})


async def find_price(read: ReadTx, price_id: str) -> Row | None:
    return await read.row(FIND_PRICE, {"price_id": price_id})


async def approve_price(tx: Tx, price_id: str, proposed_by: str) -> None:
    row = {"price_id": price_id, "proposed_by": proposed_by, "now": tx.now}
    await tx.run(APPROVE_PRICE, {**row, "by_person": tx.caller.person_id})


async def price_decision(tx: Tx, price_id: str) -> Literal["approved", "refused"] | None:
    """How the price was decided; None while it waits, or needs nobody."""
    decision: Literal["approved", "refused"] | None = await tx.value(DECISION, {"price_id": price_id})
    return decision


async def refuse_price(tx: Tx, price_id: str, reason: str) -> None:
    row = {"price_id": price_id, "reason": reason, "now": tx.now, "by_person": tx.caller.person_id}
    await tx.run(REFUSE_PRICE, row)


async def prices(read: ReadTx, bank_party_id: str, currency: str, skus: Sequence[str]) -> dict[str, Price]:
    """The bank's latest price in force of each SKU that has one."""
    wanted = {"bank_party_id": bank_party_id, "currency": currency, "skus": list(skus)}
    return {row["sku"]: msgspec.convert(row, Price) for row in await read.rows(PRICES, wanted)}


async def price_page(read: ReadTx, cursor: str | None, limit: int) -> list[Row]:
    """Prices that the reader may see, newest first; the cursor is the id of the last one shown."""
    return await read.rows(PRICE_PAGE, {"cursor": cursor, "limit": limit})


async def insert_pledge(tx: Tx, row: dict[str, Any]) -> None:
    await tx.run(INSERT_PLEDGE, {**row, "now": tx.now, "by_person": tx.caller.person_id})


async def find_pledge(read: ReadTx, pledge_id: str) -> Row | None:
    return await read.row(FIND_PLEDGE, {"pledge_id": pledge_id})


async def last_pledge_id(read: ReadTx, receipt_id: str) -> str | None:
    found = await read.value(LAST_PLEDGE, {"receipt_id": receipt_id})
    return None if found is None else str(found)


async def end_pledge(tx: Tx, pledge_id: str) -> bool:
    """False when the pledge was released before."""
    row = {"pledge_id": pledge_id, "now": tx.now, "by_person": tx.caller.person_id}
    return await tx.run(END_PLEDGE, row) == 1


async def collateral(read: ReadTx, facility_ids: Sequence[str]) -> dict[str, list[Collateral]]:
    """The live pledges of each facility, in order of their ids."""
    found: dict[str, list[Collateral]] = {facility_id: [] for facility_id in facility_ids}
    for row in await read.rows(COLLATERAL, {"facility_ids": list(facility_ids)}):
        found[row["facility_id"]].append(msgspec.convert(row, Collateral))
    return found


async def facilities_of_lot(tx: Tx, lot_id: str) -> list[str]:
    return _column(await tx.rows(FACILITIES_OF_LOT, {"lot_id": lot_id}), "facility_id")


async def facilities_of_sku(tx: Tx, bank_party_id: str, sku: str) -> list[str]:
    rows = await tx.rows(FACILITIES_OF_SKU, {"bank_party_id": bank_party_id, "sku": sku})
    return _column(rows, "facility_id")


async def facilities_concerned(
    tx: Tx, site_id: str, lot_ids: Sequence[str], unit_ids: Sequence[str]
) -> dict[str, list[str]]:
    """Facilities with a live pledge on one of the lots or units, each with the pledged units among them."""
    wanted = {"site_id": site_id, "lot_ids": list(lot_ids), "unit_ids": list(unit_ids)}
    return {row["facility_id"]: row["units"] or [] for row in await tx.rows(FACILITIES_CONCERNED, wanted)}


async def lots_of_pledged_units(read: ReadTx, facility_id: str) -> dict[str, str]:
    """The lot of each unit pledged to the facility that was not given up as lost."""
    rows = await read.rows(LOTS_OF_PLEDGED_UNITS, {"facility_id": facility_id})
    return {row["unit_id"]: row["lot_id"] for row in rows}


async def give_up(tx: Tx, facility_id: str, unit_ids: Sequence[str], thaw_id: str) -> dict[str, list[str]]:
    """The facility's pledges count these of their units no more; returns them by the hold they are under."""
    wanted = {"facility_id": facility_id, "unit_ids": list(unit_ids)}
    rows = await tx.rows(HOLDS_OF_PLEDGED_UNITS, wanted)
    for row in rows:
        await tx.run(INSERT_LOST, {**row, "thaw_id": thaw_id})
    return {row["hold_id"]: row["unit_ids"] for row in rows}


async def bank_still_on_lot(tx: Tx, bank_party_id: str, lot_id: str) -> bool:
    return bool(await tx.value(BANK_STILL_ON_LOT, {"lot_id": lot_id, "bank_party_id": bank_party_id}))


async def pledged_units(read: ReadTx, unit_ids: Sequence[str]) -> list[Row]:
    """Those of the units that are pledged, as far as the reader may see it."""
    return await read.rows(PLEDGED_UNITS, {"unit_ids": list(unit_ids)})


def _column(rows: Sequence[Row], name: str) -> list[str]:
    return [str(row[name]) for row in rows]
