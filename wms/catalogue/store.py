"""SQL of the catalogue."""

from collections.abc import Iterable, Sequence

from kernel.tx import ReadTx, Row, Tx
from wms.messages import SkuEntry

# An entry sent again corrects names, mass and handling; its code never changes.
REGISTER = """
    INSERT INTO wms.sku (sku, name_en, name_zh, unit_mass_g, handling, registered_at)
    SELECT t.*, %(now)s
    FROM unnest(%(skus)s::text[], %(names_en)s::text[], %(names_zh)s::text[], %(masses)s::bigint[],
        %(handling)s::text[]) AS t
    ON CONFLICT (sku) DO UPDATE SET name_en = excluded.name_en, name_zh = excluded.name_zh,
        unit_mass_g = excluded.unit_mass_g, handling = excluded.handling"""
KNOWN = "SELECT sku, unit_mass_g FROM wms.sku WHERE sku = ANY(%(skus)s)"
PAGE = """
    SELECT sku, name_en, name_zh, unit_mass_g, handling FROM wms.sku
    WHERE sku > coalesce(%(cursor)s, '') ORDER BY sku LIMIT %(limit)s"""


async def register(tx: Tx, items: Sequence[SkuEntry]) -> None:
    columns = {
        "skus": [item.sku for item in items],
        "names_en": [item.name_en for item in items],
        "names_zh": [item.name_zh for item in items],
        "masses": [item.unit_mass_g for item in items],
        "handling": [item.handling for item in items],
        "now": tx.now,
    }
    await tx.run(REGISTER, columns)


async def known_skus(read: ReadTx, skus: Iterable[str]) -> dict[str, int]:
    """The mass of one piece in grams (0 unknown) of those items that are in the catalogue."""
    rows = await read.rows(KNOWN, {"skus": sorted(set(skus))})
    return {row["sku"]: row["unit_mass_g"] for row in rows}


async def page(read: ReadTx, cursor: str | None, limit: int) -> list[Row]:
    return await read.rows(PAGE, {"cursor": cursor, "limit": limit})
