"""Reads of where units and moving things are."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from kernel.geometry import Point
from kernel.tx import ReadTx, Row
from twin.messages import AssetState, UnitState

UNIT_COLUMNS = """unit_id, site_id, lot_id, sku, sscc, epc_hex, owner_party_id, quantity_each,
    expected_mass_g, mass_g, place, slot_id, x_m, y_m, z_m, level, modalities, last_seen_at, claimed_slot_id,
    claimed_at, alarm_grade"""
UNITS_BY_ID = f"SELECT {UNIT_COLUMNS} FROM twin.unit WHERE unit_id = ANY (%(unit_ids)s) ORDER BY unit_id"  # noqa: S608
# A unit is in the scene until it has left, or the books have let it go without a sensor ever seeing it.
SCENE_UNITS = f"""
    SELECT {UNIT_COLUMNS} FROM twin.unit
    WHERE site_id = %(site_id)s AND place <> 'left'
        AND (last_seen_at IS NOT NULL OR claimed_slot_id IS NOT NULL)
        AND (%(unit_ids)s::text[] IS NULL OR unit_id = ANY (%(unit_ids)s))
    ORDER BY unit_id"""  # noqa: S608
CHANGED_UNITS = f"""
    SELECT {UNIT_COLUMNS} FROM twin.unit
    WHERE site_id = %(site_id)s
        AND changed_xid >= %(xid_from)s::text::xid8 AND changed_xid < %(xid_to)s::text::xid8
    ORDER BY unit_id"""  # noqa: S608
ASSET_COLUMNS = "asset_id, index, kind, label, x_m, y_m, z_m, heading_deg, load_epc_hex, at, is_gone"
ASSETS = f"""
    SELECT {ASSET_COLUMNS} FROM twin.asset
    WHERE site_id = %(site_id)s AND at IS NOT NULL AND NOT is_gone ORDER BY index"""  # noqa: S608
CHANGED_ASSETS = f"""
    SELECT {ASSET_COLUMNS} FROM twin.asset
    WHERE site_id = %(site_id)s AND at IS NOT NULL
        AND changed_xid >= %(xid_from)s::text::xid8 AND changed_xid < %(xid_to)s::text::xid8
    ORDER BY index"""  # noqa: S608
OCCUPIED = """
    SELECT slot_id FROM twin.unit WHERE site_id = %(site_id)s AND slot_id IS NOT NULL AND place = 'slot'
    UNION
    SELECT claimed_slot_id FROM twin.unit
    WHERE site_id = %(site_id)s AND claimed_slot_id IS NOT NULL AND place IN ('unknown', 'slot')"""

# What still stands in slots, as far as anybody knows: seen there last, or there by the books.
STOCK_IN = """
    SELECT unit_id, CASE WHEN place = 'slot' AND slot_id = ANY (%(slot_ids)s) THEN slot_id
        ELSE claimed_slot_id END AS slot_id
    FROM twin.unit
    WHERE site_id = %(site_id)s
        AND (place = 'slot' AND slot_id = ANY (%(slot_ids)s) OR claimed_slot_id = ANY (%(slot_ids)s))
    ORDER BY unit_id"""


async def unit_states(read: ReadTx, unit_ids: Sequence[str]) -> list[UnitState]:
    """See `twin.api.unit_states`."""
    return [unit_state(row) for row in await read.rows(UNITS_BY_ID, {"unit_ids": list(unit_ids)})]


async def scene_units(read: ReadTx, site_id: str, unit_ids: Sequence[str] | None = None) -> list[UnitState]:
    """See `twin.api.scene_units`."""
    named = {"site_id": site_id, "unit_ids": None if unit_ids is None else list(unit_ids)}
    return [unit_state(row) for row in await read.rows(SCENE_UNITS, named)]


async def changed_units(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[UnitState]:
    """See `twin.api.changed_units`."""
    span = {"site_id": site_id, "xid_from": xid_from, "xid_to": xid_to}
    return [unit_state(row) for row in await read.rows(CHANGED_UNITS, span)]


async def assets(read: ReadTx, site_id: str) -> list[AssetState]:
    """See `twin.api.assets`."""
    return [_asset(row) for row in await read.rows(ASSETS, {"site_id": site_id})]


async def changed_assets(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[AssetState]:
    """See `twin.api.changed_assets`."""
    span = {"site_id": site_id, "xid_from": xid_from, "xid_to": xid_to}
    return [_asset(row) for row in await read.rows(CHANGED_ASSETS, span)]


async def occupied_slots(read: ReadTx, site_id: str) -> set[str]:
    """See `twin.api.occupied_slots`."""
    return {row["slot_id"] for row in await read.rows(OCCUPIED, {"site_id": site_id})}


async def stock_in(read: ReadTx, site_id: str, slot_ids: Collection[str]) -> dict[str, str]:
    """Units that are in one of the slots by sight or by the books, with that slot."""
    rows = await read.rows(STOCK_IN, {"site_id": site_id, "slot_ids": sorted(slot_ids)}) if slot_ids else []
    return {row["unit_id"]: row["slot_id"] for row in rows}


def unit_state(row: Row) -> UnitState:
    """A unit's row as the struct others get."""
    x_m, y_m, z_m = row["x_m"], row["y_m"], row["z_m"]
    return UnitState(
        unit_id=row["unit_id"],
        site_id=row["site_id"],
        lot_id=row["lot_id"],
        sku=row["sku"],
        sscc=row["sscc"],
        epc_hex=row["epc_hex"],
        owner_party_id=row["owner_party_id"],
        quantity_each=row["quantity_each"],
        expected_mass_g=row["expected_mass_g"],
        mass_g=row["mass_g"],
        place=row["place"],
        slot_id=row["slot_id"],
        point=None if x_m is None else Point(x_m, y_m, z_m),
        level=row["level"],
        modalities=msgspec.convert(row["modalities"], dict[str, datetime]),
        last_seen_at=row["last_seen_at"],
        claimed_slot_id=row["claimed_slot_id"],
        claimed_at=row["claimed_at"],
        alarm_grade=row["alarm_grade"],
    )


def _asset(row: Row) -> AssetState:
    return AssetState(
        asset_id=row["asset_id"],
        index=row["index"],
        kind=row["kind"],
        label=row["label"],
        point=Point(row["x_m"], row["y_m"], row["z_m"]),
        heading_deg=row["heading_deg"],
        load_epc_hex=row["load_epc_hex"],
        at=row["at"],
        is_gone=row["is_gone"],
    )
