"""The SQL of labels."""

from kernel.tx import ReadTx, Row

# What is on a pallet now: its own lot and item, and the pieces that are still on it.
PALLET = """
    SELECT u.unit_id, u.site_id, u.sscc, u.sku, s.name_en, s.name_zh, l.code AS lot, u.full_each,
        u.full_mass_g,
        coalesce((SELECT sum(b.quantity_each) FROM wms.balance b
            WHERE b.unit_id = u.unit_id AND b.bin NOT LIKE '@%%'), 0)::bigint AS quantity_each
    FROM wms.unit u JOIN wms.sku s USING (sku) JOIN wms.lot l USING (lot_id)
    WHERE u.unit_id = %(unit_id)s AND u.kind = 'pallet'"""


async def pallet(tx: ReadTx, unit_id: str) -> Row | None:
    return await tx.row(PALLET, {"unit_id": unit_id})
