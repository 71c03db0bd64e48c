"""SQL of layouts."""

import msgspec

from kernel.errors import NotFound
from kernel.layout import Layout
from kernel.tx import ReadTx, Row, Tx
from twin.layout.model import SiteMap

# Locks the site's row, so that two imports of one site number their versions one after the other.
LOCK_SITE = "SELECT version FROM twin.site WHERE site_id = %(site_id)s FOR UPDATE"
KEEPER = "SELECT keeper_party_id FROM twin.site WHERE site_id = %(site_id)s"
LAYOUT = """
    SELECT l.layout::text AS layout, s.version FROM twin.site s
    JOIN twin.layout_version l ON (l.site_id, l.version) = (s.site_id, s.version)
    WHERE s.site_id = %(site_id)s"""
INSERT_VERSION = """
    INSERT INTO twin.layout_version (site_id, version, layout, imported_at, imported_by)
    VALUES (%(site_id)s, %(version)s, %(layout)s::jsonb, %(now)s, %(by)s)"""
UPSERT_SITE = """
    INSERT INTO twin.site (site_id, version, name_en, name_zh, mode, time_zone, keeper_party_id)
    VALUES (%(site_id)s, %(version)s, %(name_en)s, %(name_zh)s, %(mode)s, %(time_zone)s, %(keeper)s)
    ON CONFLICT (site_id) DO UPDATE SET (version, name_en, name_zh, mode, time_zone) =
        (EXCLUDED.version, EXCLUDED.name_en, EXCLUDED.name_zh, EXCLUDED.mode, EXCLUDED.time_zone)"""
DELETE_SLOTS = "DELETE FROM twin.slot WHERE site_id = %(site_id)s"
INSERT_SLOTS = """
    INSERT INTO twin.slot (site_id, slot_id, rack_id, zone_id, bay, level, x_m, y_m, z_m)
    SELECT %(site_id)s, r.* FROM jsonb_to_recordset(%(slots)s::jsonb) AS r (
        slot_id text, rack_id text, zone_id text, bay integer, level integer,
        x_m double precision, y_m double precision, z_m double precision)"""


async def current(read: ReadTx, site_id: str) -> tuple[Layout, int] | None:
    """The current layout and its version; None for an unknown site."""
    row = await read.row(LAYOUT, {"site_id": site_id})
    return None if row is None else (msgspec.json.decode(row["layout"], type=Layout), int(row["version"]))


async def site_map(read: ReadTx, site_id: str) -> SiteMap:
    """The current layout ready for questions. Raises NotFound `twin.site_unknown`."""
    row = await read.row(LAYOUT, {"site_id": site_id})
    if row is None:
        raise NotFound("twin.site_unknown", site_id=site_id)
    return SiteMap.of_json(row["layout"])


async def lock_version(tx: Tx, site_id: str) -> int:
    """The version the site has, its row locked; 0 when it is new."""
    return int(await tx.value(LOCK_SITE, {"site_id": site_id}) or 0)


async def keeper_of(read: ReadTx, site_id: str) -> str | None:
    """The party that keeps the site; None for an unknown site."""
    keeper: str | None = await read.value(KEEPER, {"site_id": site_id})
    return keeper


async def insert_version(tx: Tx, layout: Layout, version: int, keeper_party_id: str) -> None:
    """Keep a new version and make it current, slots included."""
    named = {"site_id": layout.site_id, "version": version, "now": tx.now, "by": tx.caller.person_id}
    await tx.run(INSERT_VERSION, {**named, "layout": msgspec.json.encode(layout).decode()})
    site = {
        **named,
        "name_en": layout.name_en,
        "name_zh": layout.name_zh,
        "mode": layout.mode,
        "time_zone": layout.time_zone,
        "keeper": keeper_party_id,
    }
    await tx.run(UPSERT_SITE, site)
    await tx.run(DELETE_SLOTS, {"site_id": layout.site_id})
    slots = msgspec.json.encode(_slot_rows(layout)).decode()
    await tx.run(INSERT_SLOTS, {"site_id": layout.site_id, "slots": slots})


def _slot_rows(layout: Layout) -> list[Row]:
    zone_of = {rack.rack_id: rack.zone_id for rack in layout.racks}
    return [
        {
            "slot_id": slot.slot_id,
            "rack_id": slot.rack_id,
            "zone_id": zone_of[slot.rack_id],
            "bay": slot.bay,
            "level": slot.level,
            "x_m": slot.centre.x_m,
            "y_m": slot.centre.y_m,
            "z_m": slot.centre.z_m,
        }
        for slot in SiteMap(layout).slots
    ]
