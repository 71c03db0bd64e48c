"""Stock as pages and other packages read it, under the reader's row-level security."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from pydantic import BaseModel

from kernel.tx import ReadTx
from wms.stock.model import FLOOR_BINS, mass_share_g

# A unit is what the gravest of its pieces is: held, then reserved, then free.
_STATUS = """
    SELECT b.unit_id, max(b.hold_id) FILTER (WHERE b.quantity_each > 0) AS hold_id,
        sum(b.quantity_each)::bigint AS quantity_each,
        sum(b.reserved_each)::bigint AS reserved_each,
        min(b.bin) FILTER (WHERE b.quantity_each > 0) AS bin
    FROM wms.balance b
    WHERE b.site_id = %(site_id)s AND b.unit_id IN ({units})
    GROUP BY b.unit_id ORDER BY b.unit_id"""
STATUS_OF = _STATUS.format(units="SELECT unnest(%(unit_ids)s::text[])")
STATUS_CHANGED = _STATUS.format(
    units="""SELECT c.unit_id FROM wms.balance c
        WHERE c.site_id = %(site_id)s AND c.changed_xid >= %(xid_from)s::text::xid8
            AND c.changed_xid < %(xid_to)s::text::xid8"""
)
HOLDS_OF = """
    SELECT hu.unit_id, h.hold_id, h.reason_code, h.holder_ref, h.placed_at
    FROM wms.hold_unit hu JOIN wms.hold h USING (hold_id)
    WHERE hu.unit_id = ANY(%(unit_ids)s) AND hu.lifted_at IS NULL ORDER BY hu.unit_id"""
LOTS = """
    SELECT l.lot_id, l.site_id, l.owner_party_id, l.sku, s.name_en, s.name_zh, l.code
    FROM wms.lot l JOIN wms.sku s USING (sku)
    WHERE l.site_id = %(site_id)s AND (%(lot_ids)s::text[] IS NULL OR l.lot_id = ANY(%(lot_ids)s))
        AND (%(cursor)s::text IS NULL OR l.lot_id > %(cursor)s)
    ORDER BY l.lot_id LIMIT %(limit)s"""
LOT_UNITS = """
    SELECT b.lot_id, b.unit_id, u.full_each, u.full_mass_g, sum(b.quantity_each)::bigint AS quantity_each,
        bool_or(b.hold_id IS NOT NULL) AS held
    FROM wms.balance b JOIN wms.unit u USING (unit_id)
    WHERE b.lot_id = ANY(%(lot_ids)s) AND u.kind = 'pallet' AND b.quantity_each > 0
    GROUP BY b.lot_id, b.unit_id, u.full_each, u.full_mass_g"""
# What may still be promised, as `wms.allocation` takes it: in a slot, available, neither held nor promised.
FREE = """
    SELECT b.owner_party_id, b.sku, sum(b.quantity_each - b.reserved_each)::bigint AS free_each
    FROM wms.balance b
    WHERE b.site_id = %(site_id)s AND b.hold_id IS NULL AND b.status = 'available'
        AND b.bin <> ALL(%(floor_bins)s) AND b.quantity_each > b.reserved_each
        AND (%(sku)s::text IS NULL OR (b.sku, b.owner_party_id) > (%(sku)s, %(owner)s))
    GROUP BY b.sku, b.owner_party_id ORDER BY b.sku, b.owner_party_id LIMIT %(limit)s"""
LABELS = "SELECT unit_id, sscc FROM wms.unit WHERE unit_id = ANY(%(unit_ids)s) AND sscc IS NOT NULL"
MOVES = """
    SELECT move_id, lot_id, sku, quantity_each, from_unit_id, from_bin, from_hold_id, to_unit_id, to_bin,
        to_hold_id, cause, ref_id, evidence_id, moved_by, moved_at
    FROM wms.stock_move
    WHERE site_id = %(site_id)s AND (%(cursor)s::bigint IS NULL OR move_id < %(cursor)s)
        AND (%(unit_id)s::text IS NULL OR from_unit_id = %(unit_id)s OR to_unit_id = %(unit_id)s)
    ORDER BY move_id DESC LIMIT %(limit)s"""


class UnitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the books say of a unit: whether it is free, promised to an order, or held; and its bin (None
    when nothing of it is in the books)."""

    unit_id: str
    status: Literal["free", "reserved", "held"]
    hold_id: str | None
    quantity_each: int
    reserved_each: int
    bin: str | None


class UnitHold(msgspec.Struct, frozen=True, kw_only=True):
    """The live hold on a unit. `holder_ref` is the holder's own reference."""

    unit_id: str
    hold_id: str
    reason_code: str
    holder_ref: str
    placed_at: datetime


class LotRow(msgspec.Struct, frozen=True, kw_only=True):
    """A lot with the books' figures: pallets on stock, their pieces and declared mass."""

    lot_id: str
    site_id: str
    owner_party_id: str
    sku: str
    name_en: str
    name_zh: str
    code: str
    units: int = 0
    quantity_each: int = 0
    mass_g: int = 0
    held_units: int = 0


class FreeStockRow(BaseModel):
    """Pieces of an owner's item that an order can still be promised; at least one."""

    owner_party_id: str
    sku: str
    free_each: int

    @property
    def place(self) -> str:
        """Where the list goes on after this row. Ids have no blanks."""
        return f"{self.sku} {self.owner_party_id}"


class MoveRow(BaseModel):
    """An entry of the stock journal; bins that start with @ are outside the books."""

    move_id: int
    lot_id: str
    sku: str
    quantity_each: int
    from_unit_id: str
    from_bin: str
    from_hold_id: str | None
    to_unit_id: str
    to_bin: str
    to_hold_id: str | None
    cause: str
    ref_id: str
    evidence_id: str | None
    moved_by: str
    moved_at: datetime


async def unit_statuses(read: ReadTx, site_id: str, unit_ids: Sequence[str]) -> list[UnitStatus]:
    """The status of those units that the reader may see, by id."""
    return await _statuses(read, STATUS_OF, {"site_id": site_id, "unit_ids": list(unit_ids)})


async def changed_units(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[UnitStatus]:
    """Units changed by transactions with `xid_from <= xid < xid_to`, also those that left the books."""
    params = {"site_id": site_id, "xid_from": xid_from, "xid_to": xid_to}
    return await _statuses(read, STATUS_CHANGED, params)


async def _statuses(read: ReadTx, sql: str, params: dict[str, object]) -> list[UnitStatus]:
    rows = await read.rows(sql, params)
    return [
        UnitStatus(status="held" if row["hold_id"] else "reserved" if row["reserved_each"] else "free", **row)
        for row in rows
    ]


async def unit_holds(read: ReadTx, unit_ids: Sequence[str]) -> list[UnitHold]:
    """The live holds on units that the reader may see."""
    return [UnitHold(**row) for row in await read.rows(HOLDS_OF, {"unit_ids": list(unit_ids)})]


async def lot_rows(
    read: ReadTx,
    site_id: str,
    *,
    lot_ids: Sequence[str] | None = None,
    cursor: str | None = None,
    limit: int = 5_000,
) -> list[LotRow]:
    """Lots of a site that the reader may see, by id, with what the books have of each."""
    params = {
        "site_id": site_id,
        "lot_ids": None if lot_ids is None else list(lot_ids),
        "cursor": cursor,
        "limit": limit,
    }
    lots = {row["lot_id"]: row for row in await read.rows(LOTS, params)}
    for unit in await read.rows(LOT_UNITS, {"lot_ids": list(lots)}):
        lot = lots[unit["lot_id"]]
        mass_g = mass_share_g(unit["full_mass_g"], unit["full_each"], unit["quantity_each"])
        lot["units"] = lot.get("units", 0) + 1
        lot["quantity_each"] = lot.get("quantity_each", 0) + unit["quantity_each"]
        lot["mass_g"] = lot.get("mass_g", 0) + mass_g
        lot["held_units"] = lot.get("held_units", 0) + int(unit["held"])
    return [LotRow(**row) for row in lots.values()]


async def free_stock(read: ReadTx, site_id: str, cursor: str | None, limit: int) -> list[FreeStockRow]:
    """Items of which something is free, by code and owner, from after `cursor`, a row's `place`."""
    sku, _, owner = (cursor or "").rpartition(" ")
    params = {
        "site_id": site_id,
        "floor_bins": sorted(FLOOR_BINS),
        "sku": sku if cursor is not None else None,
        "owner": owner,
        "limit": limit,
    }
    return [FreeStockRow(**row) for row in await read.rows(FREE, params)]


async def unit_labels(read: ReadTx, unit_ids: Sequence[str]) -> dict[str, str]:
    """The SSCCs of those units that the reader may see and that have one."""
    rows = await read.rows(LABELS, {"unit_ids": list(unit_ids)})
    return {row["unit_id"]: row["sscc"] for row in rows}


async def move_list(
    read: ReadTx, site_id: str, unit_id: str | None, cursor: int | None, limit: int
) -> list[MoveRow]:
    """Entries of the journal, newest first, of one unit or all."""
    params = {"site_id": site_id, "unit_id": unit_id, "cursor": cursor, "limit": limit}
    return [MoveRow(**row) for row in await read.rows(MOVES, params)]
