"""SQL of the catalogue."""

from collections.abc import Iterable, Sequence

from kernel.tx import ReadTx, Row, Tx
from wms.messages import SkuEntry

# An entry sent again corrects names and handling; its code never changes, nor does the party that entered it
# and alone may correct it. The mass of a piece is entered once: 0, in books from before, is none yet.
REGISTER = """
    INSERT INTO wms.sku (sku, name_en, name_zh, unit_mass_g, handling, registered_by_party_id, registered_at)
    SELECT t.*, %(party_id)s, %(now)s
    FROM unnest(%(skus)s::text[], %(names_en)s::text[], %(names_zh)s::text[], %(masses)s::bigint[],
        %(handling)s::text[]) AS t
    ON CONFLICT (sku) DO UPDATE SET name_en = excluded.name_en, name_zh = excluded.name_zh,
        unit_mass_g = excluded.unit_mass_g, handling = excluded.handling
    WHERE wms.sku.registered_by_party_id = excluded.registered_by_party_id
        AND wms.sku.unit_mass_g IN (0, excluded.unit_mass_g)
    RETURNING sku"""
ITEMS = "SELECT sku, name_en, name_zh, unit_mass_g, handling FROM wms.sku WHERE sku = ANY(%(skus)s)"
KNOWN = "SELECT sku, unit_mass_g FROM wms.sku WHERE sku = ANY(%(skus)s)"
OF_OTHER_PARTIES = """
    SELECT sku FROM wms.sku WHERE sku = ANY(%(skus)s) AND registered_by_party_id <> %(party_id)s"""
PAGE = """
    SELECT sku, name_en, name_zh, unit_mass_g, handling FROM wms.sku
    WHERE sku > coalesce(%(cursor)s, '') ORDER BY sku LIMIT %(limit)s"""


async def register(tx: Tx, items: Sequence[SkuEntry]) -> set[str]:
    """Enter or correct items for the caller's party. Returns the codes of those it may; others stay as is,
    and so does one whose mass would change."""
    columns = {
        "skus": [item.sku for item in items],
        "names_en": [item.name_en for item in items],
        "names_zh": [item.name_zh for item in items],
        "masses": [item.unit_mass_g for item in items],
        "handling": [item.handling for item in items],
        "party_id": tx.caller.party_id,
        "now": tx.now,
    }
    return {row["sku"] for row in await tx.rows(REGISTER, columns)}


async def items_of(read: ReadTx, skus: Iterable[str]) -> dict[str, SkuEntry]:
    """The entries of those items that are in the catalogue."""
    rows = await read.rows(ITEMS, {"skus": sorted(set(skus))})
    return {row["sku"]: SkuEntry(**row) for row in rows}


async def of_other_parties(tx: Tx, skus: Iterable[str]) -> set[str]:
    """Those of these items that another party than the caller's entered."""
    named = {"skus": sorted(skus), "party_id": tx.caller.party_id}
    return {row["sku"] for row in await tx.rows(OF_OTHER_PARTIES, named)}


async def known_skus(read: ReadTx, skus: Iterable[str]) -> dict[str, int]:
    """The mass of one piece in grams (0: not stated, in older books) of those items of the catalogue."""
    rows = await read.rows(KNOWN, {"skus": sorted(set(skus))})
    return {row["sku"]: row["unit_mass_g"] for row in rows}


async def page(read: ReadTx, cursor: str | None, limit: int) -> list[Row]:
    return await read.rows(PAGE, {"cursor": cursor, "limit": limit})
