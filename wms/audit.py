"""Re-adding the stock journals from zero and comparing with the balances kept beside them."""

from kernel.audit import Finding, JournalAudit
from kernel.tx import ReadTx, Row

FINDINGS_MAX = 1_000

# Every place in the books: what moves say minus what the balance says.
MOVES_AGAINST_BALANCES = """
    WITH entries AS (
        SELECT site_id, owner_party_id, sku, lot_id, to_unit_id AS unit_id, to_bin AS bin,
            to_status AS status, to_hold_id AS hold_id, quantity_each
        FROM wms.stock_move WHERE to_bin NOT LIKE '@%%'
        UNION ALL
        SELECT site_id, owner_party_id, sku, lot_id, from_unit_id, from_bin, from_status, from_hold_id,
            -quantity_each
        FROM wms.stock_move WHERE from_bin NOT LIKE '@%%'
        UNION ALL
        SELECT site_id, owner_party_id, sku, lot_id, unit_id, bin, status, hold_id, NULL FROM wms.balance
    ), added AS (
        SELECT site_id, owner_party_id, sku, lot_id, unit_id, bin, status, hold_id,
            coalesce(sum(quantity_each), 0)::bigint AS expected
        FROM entries GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    )
    SELECT a.unit_id || ' in ' || a.bin AS subject, a.expected, coalesce(b.quantity_each, 0) AS actual
    FROM added a LEFT JOIN wms.balance b
        ON (b.site_id, b.owner_party_id, b.sku, b.lot_id, b.unit_id, b.bin, b.status)
            = (a.site_id, a.owner_party_id, a.sku, a.lot_id, a.unit_id, a.bin, a.status)
        AND b.hold_id IS NOT DISTINCT FROM a.hold_id
    WHERE a.expected <> coalesce(b.quantity_each, 0)
    ORDER BY 1 LIMIT %(limit)s"""
RESERVATIONS_AGAINST_BALANCES = """
    SELECT b.unit_id || ' in ' || b.bin AS subject, coalesce(sum(r.quantity_each), 0)::bigint AS expected,
        b.reserved_each AS actual
    FROM wms.balance b LEFT JOIN wms.reservation r
        ON r.balance_id = b.balance_id AND r.state IN ('reserved', 'picked')
    GROUP BY b.balance_id HAVING coalesce(sum(r.quantity_each), 0) <> b.reserved_each
    ORDER BY 1 LIMIT %(limit)s"""
RESERVATIONS_AGAINST_LINES = """
    SELECT l.order_id || ' line ' || l.line_no AS subject,
        concat_ws('/', coalesce(sum(r.quantity_each) FILTER (WHERE r.state = 'reserved'), 0),
            coalesce(sum(r.quantity_each) FILTER (WHERE r.state = 'picked'), 0),
            coalesce(sum(r.quantity_each) FILTER (WHERE r.state = 'shipped'), 0)) AS expected,
        concat_ws('/', l.reserved_each, l.picked_each, l.shipped_each) AS actual
    FROM wms.order_line l LEFT JOIN wms.reservation r
        ON r.order_id = l.order_id AND r.line_no = l.line_no
    GROUP BY l.order_id, l.line_no
    HAVING coalesce(sum(r.quantity_each) FILTER (WHERE r.state = 'reserved'), 0) <> l.reserved_each
        OR coalesce(sum(r.quantity_each) FILTER (WHERE r.state = 'picked'), 0) <> l.picked_each
        OR coalesce(sum(r.quantity_each) FILTER (WHERE r.state = 'shipped'), 0) <> l.shipped_each
    ORDER BY 1 LIMIT %(limit)s"""
# Goods are bound by a release exactly while it is unused and they are picked.
RELEASES_AGAINST_RESERVATIONS = """
    SELECT rr.reservation_id AS subject,
        CASE WHEN r.state IN ('issued', 'at_gate') THEN 'bound, picked' ELSE 'not bound' END AS expected,
        concat_ws(', ', CASE WHEN rr.ended_at IS NULL THEN 'bound' ELSE 'not bound' END, v.state) AS actual
    FROM wms.release_reservation rr JOIN wms.release r USING (release_id)
        JOIN wms.reservation v USING (reservation_id)
    WHERE (rr.ended_at IS NULL) <> (r.state IN ('issued', 'at_gate'))
        OR (rr.ended_at IS NULL AND v.state <> 'picked')
    ORDER BY 1 LIMIT %(limit)s"""
# A live hold covers exactly the pieces whose balance names it.
HOLDS_AGAINST_BALANCES = """
    WITH live AS (SELECT unit_id, hold_id FROM wms.hold_unit WHERE lifted_at IS NULL),
        held AS (
            SELECT DISTINCT unit_id, hold_id FROM wms.balance
            WHERE hold_id IS NOT NULL AND quantity_each > 0)
    SELECT coalesce(live.unit_id, held.unit_id) AS subject, coalesce(live.hold_id, 'no hold') AS expected,
        coalesce(held.hold_id, 'no hold') AS actual
    FROM live FULL JOIN held USING (unit_id, hold_id)
    WHERE live.hold_id IS NULL OR held.hold_id IS NULL
    ORDER BY 1 LIMIT %(limit)s"""
SLOTS_TAKEN_TWICE = """
    SELECT b.bin AS subject, '1' AS expected, count(DISTINCT b.unit_id)::text AS actual
    FROM wms.balance b
    WHERE b.quantity_each > 0 AND b.bin NOT IN ('staging-in', 'staging-out')
    GROUP BY b.site_id, b.bin HAVING count(DISTINCT b.unit_id) > 1 ORDER BY 1 LIMIT %(limit)s"""
COUNTS = """
    SELECT (SELECT count(*) FROM wms.stock_move) AS stock_moves,
        (SELECT count(*) FROM wms.reservation) AS reservations,
        (SELECT count(*) FROM wms.hold_unit) AS holds"""

_CHECKS = {
    "stock_moves": (
        ("balance = sum of moves", MOVES_AGAINST_BALANCES),
        ("one pallet in a slot", SLOTS_TAKEN_TWICE),
    ),
    "reservations": (
        ("reserved = sum of live reservations", RESERVATIONS_AGAINST_BALANCES),
        ("reserved/picked/shipped of a line = sum of its reservations", RESERVATIONS_AGAINST_LINES),
        ("goods are bound by unused releases only", RELEASES_AGAINST_RESERVATIONS),
    ),
    "holds": (("held pieces = units under a live hold", HOLDS_AGAINST_BALANCES),),
}


async def audit(read: ReadTx) -> list[JournalAudit]:
    """Re-add stock moves, reservations and holds. An empty list of findings means that all agrees.

    Sees what the reader may see; run it as somebody who may see every site. At most `FINDINGS_MAX` findings
    a rule.
    """
    counts = await read.row(COUNTS)
    assert counts is not None
    return [
        JournalAudit(
            journal=f"wms.{journal}",
            entries=counts[journal],
            findings=[
                _finding(journal, rule, row)
                for rule, sql in checks
                for row in await read.rows(sql, {"limit": FINDINGS_MAX})
            ],
        )
        for journal, checks in _CHECKS.items()
    ]


def _finding(journal: str, rule: str, row: Row) -> Finding:
    return Finding(
        journal=f"wms.{journal}",
        subject=row["subject"],
        rule=rule,
        expected=str(row["expected"]),
        actual=str(row["actual"]),
    )
