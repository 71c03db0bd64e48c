"""How units stand in the books, for pages that show them."""

from collections.abc import Sequence
from typing import Literal

from kernel.tx import ReadTx

UnitStatus = Literal["free", "reserved", "held"]

# One row for each unit with pieces on stock. A unit of which any piece is held is held.
UNIT_STATUSES = """
    SELECT unit_id, bool_or(hold_id IS NOT NULL) AS held, bool_or(reserved_each > 0) AS reserved
    FROM wms.balance
    WHERE site_id = %(site_id)s AND quantity_each > 0
        AND (%(unit_ids)s::text[] IS NULL OR unit_id = ANY(%(unit_ids)s::text[]))
    GROUP BY unit_id"""
CHANGED_UNITS = """
    SELECT DISTINCT unit_id FROM wms.balance
    WHERE site_id = %(site_id)s
        AND changed_xid >= %(xid_from)s::text::xid8 AND changed_xid < %(xid_to)s::text::xid8
    ORDER BY unit_id"""


async def unit_statuses(
    read: ReadTx, site_id: str, unit_ids: Sequence[str] | None = None
) -> dict[str, UnitStatus]:
    """How units stand in the books: all of a site or those named. A unit without pieces is absent."""
    named = None if unit_ids is None else list(unit_ids)
    rows = await read.rows(UNIT_STATUSES, {"site_id": site_id, "unit_ids": named})
    return {row["unit_id"]: _status(row["held"], row["reserved"]) for row in rows}


def _status(held: bool, reserved: bool) -> UnitStatus:
    if held:
        return "held"
    return "reserved" if reserved else "free"


async def changed_units(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[str]:
    """Ids of units whose balances were changed by transactions with `xid_from <= xid < xid_to`."""
    changed = {"site_id": site_id, "xid_from": xid_from, "xid_to": xid_to}
    return [row["unit_id"] for row in await read.rows(CHANGED_UNITS, changed)]
