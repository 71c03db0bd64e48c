"""Reads of layouts and slots."""

from collections.abc import Sequence

from pydantic import BaseModel

from kernel.errors import NotFound
from kernel.geometry import Point
from kernel.layout import Layout
from kernel.tx import ReadTx
from twin.layout import store
from twin.messages import SlotRow

SITES = """
    SELECT site_id, name_en, name_zh, mode, time_zone FROM twin.site
    WHERE site_id > coalesce(%(cursor)s, '') ORDER BY site_id LIMIT %(limit)s"""
NAMED = """
    SELECT site_id, name_en, name_zh FROM twin.site WHERE site_id = ANY(%(site_ids)s) ORDER BY site_id"""
SLOT_EXISTS = "SELECT 1 FROM twin.slot WHERE site_id = %(site_id)s AND slot_id = %(slot_id)s"
SLOTS = """
    SELECT slot_id, rack_id, zone_id, bay, level, x_m, y_m, z_m FROM twin.slot
    WHERE site_id = %(site_id)s ORDER BY slot_id"""


class SiteRow(BaseModel):
    site_id: str
    name_en: str
    name_zh: str
    mode: str
    time_zone: str


class SiteName(BaseModel):
    site_id: str
    name_en: str
    name_zh: str


async def site_list(read: ReadTx, cursor: str | None, limit: int) -> list[SiteRow]:
    """Sites that the reader may see, by id, after the one given."""
    rows = await read.rows(SITES, {"cursor": cursor, "limit": limit})
    return [SiteRow(**row) for row in rows]


async def site_names(read: ReadTx, site_ids: Sequence[str]) -> list[SiteName]:
    """What these sites are called, by id; a party's view names those that it may see."""
    return [SiteName(**row) for row in await read.rows(NAMED, {"site_ids": list(site_ids)})]


async def layout_version(read: ReadTx, site_id: str) -> tuple[Layout, int]:
    """The current layout and its version. Raises NotFound `twin.site_unknown`."""
    found = await store.current(read, site_id)
    if found is None:
        raise NotFound("twin.site_unknown", site_id=site_id)
    return found


async def layout_of(read: ReadTx, site_id: str) -> Layout:
    """The current layout. Raises NotFound `twin.site_unknown`."""
    return (await layout_version(read, site_id))[0]


async def slot_exists(read: ReadTx, site_id: str, slot_id: str) -> bool:
    """True when the current layout has the slot."""
    return await read.value(SLOT_EXISTS, {"site_id": site_id, "slot_id": slot_id}) is not None


async def slots(read: ReadTx, site_id: str) -> list[SlotRow]:
    """All slots of the current layout, by id; points are the middle of the slot's floor."""
    return [
        SlotRow(
            slot_id=row["slot_id"],
            rack_id=row["rack_id"],
            zone_id=row["zone_id"],
            bay=row["bay"],
            level=row["level"],
            point=Point(row["x_m"], row["y_m"], row["z_m"]),
        )
        for row in await read.rows(SLOTS, {"site_id": site_id})
    ]
