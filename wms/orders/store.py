"""SQL of orders, their lines, and what review said."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from kernel.tx import ReadTx, Row, Tx
from wms.orders.model import WITHDRAWN, Draft, Review, Rule

# Of each rule the newest version that is valid now.
RULES = """
    SELECT DISTINCT ON (rule) rule, version, priority, outcome, parameters
    FROM wms.review_rule WHERE valid_from <= %(now)s ORDER BY rule, version DESC"""
KNOWN_ORDERS = """
    SELECT order_id, reference, state, request_sha256 FROM wms.outbound_order
    WHERE site_id = %(site_id)s AND source = %(source)s AND reference = ANY(%(references)s)"""
INSERT_ORDERS = """
    INSERT INTO wms.outbound_order (order_id, site_id, owner_party_id, reference, source, customer, state,
        request_sha256, placed_at, recorded_at)
    SELECT t.order_id, %(site_id)s, %(owner_party_id)s, t.reference, %(source)s, t.customer, t.state,
        t.request_sha256, t.placed_at, %(now)s
    FROM unnest(%(order_ids)s::text[], %(references)s::text[], %(customers)s::text[], %(states)s::text[],
        %(digests)s::text[], %(placed)s::timestamptz[])
        AS t(order_id, reference, customer, state, request_sha256, placed_at)"""
# A line of whole units names them; arrays of arrays do not unnest by row, so they come as JSON.
INSERT_LINES = """
    INSERT INTO wms.order_line (order_id, line_no, site_id, owner_party_id, sku, lot_id, unit_ids,
        quantity_each, refused, row_number, description, price_milli)
    SELECT t.order_id, t.line_no, %(site_id)s, %(owner_party_id)s, t.sku, t.lot_id,
        ARRAY(SELECT jsonb_array_elements_text(t.unit_ids)), t.quantity_each, t.refused, t.row_number,
        t.description, t.price_milli
    FROM unnest(%(order_ids)s::text[], %(line_nos)s::integer[], %(skus)s::text[], %(lots)s::text[],
        %(unit_ids)s::jsonb[], %(quantities)s::bigint[], %(refused)s::boolean[], %(rows)s::integer[],
        %(descriptions)s::text[], %(prices)s::bigint[])
        AS t(order_id, line_no, sku, lot_id, unit_ids, quantity_each, refused, row_number, description,
            price_milli)"""
INSERT_REVIEWS = """
    INSERT INTO wms.review (order_id, site_id, rule, version, outcome, inputs, reviewed_at)
    SELECT t.order_id, %(site_id)s, t.rule, t.version, t.outcome, t.inputs, %(now)s
    FROM unnest(%(order_ids)s::text[], %(rules)s::text[], %(versions)s::integer[], %(outcomes)s::text[],
        %(inputs)s::jsonb[]) AS t(order_id, rule, version, outcome, inputs)"""
INSERT_REASONS = """
    INSERT INTO wms.line_reason (order_id, line_no, site_id, key, is_first, facts)
    SELECT t.order_id, t.line_no, %(site_id)s, t.key, t.is_first, t.facts
    FROM unnest(%(order_ids)s::text[], %(line_nos)s::integer[], %(keys)s::text[], %(firsts)s::boolean[],
        %(facts)s::jsonb[]) AS t(order_id, line_no, key, is_first, facts)"""
LOCK_ORDERS = """
    SELECT order_id, site_id, owner_party_id, reference, state FROM wms.outbound_order
    WHERE order_id = ANY(%(order_ids)s) ORDER BY order_id FOR UPDATE"""
FLOWING_LINES = """
    SELECT order_id, line_no, sku, lot_id, unit_ids, quantity_each, reserved_each, picked_each, shipped_each
    FROM wms.order_line WHERE order_id = ANY(%(order_ids)s) AND NOT refused ORDER BY order_id, line_no"""
SET_STATES = """
    UPDATE wms.outbound_order o SET state = t.state
    FROM unnest(%(order_ids)s::text[], %(states)s::text[]) AS t(order_id, state)
    WHERE o.order_id = t.order_id AND o.state <> t.state"""
ADD_PROGRESS = """
    UPDATE wms.order_line l
    SET reserved_each = l.reserved_each + t.reserved, picked_each = l.picked_each + t.picked,
        shipped_each = l.shipped_each + t.shipped
    FROM unnest(%(order_ids)s::text[], %(line_nos)s::integer[], %(reserved)s::bigint[], %(picked)s::bigint[],
        %(shipped)s::bigint[]) AS t(order_id, line_no, reserved, picked, shipped)
    WHERE l.order_id = t.order_id AND l.line_no = t.line_no"""
# A withdrawn order keeps its lines; each says why it no longer flows.
WITHDRAW_REASONS = """
    INSERT INTO wms.line_reason (order_id, line_no, site_id, key, is_first, facts)
    SELECT l.order_id, l.line_no, l.site_id, %(key)s, NOT EXISTS (
            SELECT FROM wms.line_reason r
            WHERE r.order_id = l.order_id AND r.line_no = l.line_no AND r.is_first), %(facts)s
    FROM wms.order_line l WHERE l.order_id = %(order_id)s AND NOT l.refused"""
WITHDRAW_LINES = "UPDATE wms.order_line SET refused = true WHERE order_id = %(order_id)s AND NOT refused"
END = "UPDATE wms.outbound_order SET ended_reason = %(reason)s WHERE order_id = %(order_id)s"
OWNERS_OF_SKUS = """
    SELECT DISTINCT owner_party_id FROM wms.balance
    WHERE site_id = %(site_id)s AND sku = ANY(%(skus)s) AND quantity_each > 0"""

LINE_STATE = """CASE
        WHEN l.refused THEN 'refused'
        WHEN l.shipped_each = l.quantity_each THEN 'shipped'
        WHEN l.picked_each + l.shipped_each = l.quantity_each THEN 'picked'
        WHEN l.reserved_each + l.picked_each + l.shipped_each = l.quantity_each THEN 'allocated'
        WHEN l.reserved_each + l.picked_each + l.shipped_each > 0 THEN 'short'
        ELSE 'waiting' END"""
# Under a release whose time is over goods wait for a new one, as `ReleaseShipment` finds them.
_ORDER = """
    SELECT order_id, site_id, owner_party_id, reference, source, customer, state, placed_at, ended_reason,
        EXISTS (
            SELECT FROM wms.reservation r WHERE r.order_id = o.order_id AND r.state = 'picked'
                AND NOT EXISTS (
                    SELECT FROM wms.release_reservation rr JOIN wms.release x USING (release_id)
                    WHERE rr.reservation_id = r.reservation_id AND rr.ended_at IS NULL
                        AND (x.state <> 'issued' OR x.valid_until >= %(now)s))) AS is_releasable
    FROM wms.outbound_order o"""
PAGE = f"""{_ORDER}
    WHERE site_id = %(site_id)s AND (%(state)s::text IS NULL OR state = %(state)s)
        AND (%(cursor)s::text IS NULL OR order_id < %(cursor)s)
    ORDER BY order_id DESC LIMIT %(limit)s"""
ONE = f"{_ORDER} WHERE order_id = %(order_id)s"
LINES_OF = f"""
    SELECT l.order_id, l.line_no, l.sku, l.lot_id, l.unit_ids, l.quantity_each, l.reserved_each,
        l.picked_each, l.shipped_each, l.row_number, {LINE_STATE} AS state
    FROM wms.order_line l WHERE l.order_id = ANY(%(order_ids)s) ORDER BY l.order_id, l.line_no"""  # noqa: S608
REASONS_OF = """
    SELECT order_id, line_no, key, facts, is_first FROM wms.line_reason
    WHERE order_id = ANY(%(order_ids)s) ORDER BY order_id, line_no, is_first DESC, key"""
REVIEW_OF = """
    SELECT rule, version, outcome, inputs, reviewed_at FROM wms.review
    WHERE order_id = %(order_id)s ORDER BY rule"""
# Rows of a file by what became of them. Each row has one state, each refused row one first reason.
SUMMARY = f"""
    SELECT {LINE_STATE} AS state, coalesce(r.key, '') AS key, count(*) AS rows
    FROM wms.outbound_order o JOIN wms.order_line l USING (order_id)
        LEFT JOIN wms.line_reason r ON l.refused AND r.order_id = l.order_id AND r.line_no = l.line_no
            AND r.is_first
    WHERE o.site_id = %(site_id)s AND o.source = %(source)s
    GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608
ORDERS_BY_STATE = """
    SELECT state, count(*) AS orders FROM wms.outbound_order
    WHERE site_id = %(site_id)s AND source = %(source)s GROUP BY state ORDER BY state"""
REFUSED_ROWS = """
    SELECT o.reference, l.row_number, l.sku, l.quantity_each, l.description,
        array_agg(r.key ORDER BY r.is_first DESC, r.key) AS keys
    FROM wms.outbound_order o JOIN wms.order_line l USING (order_id)
        JOIN wms.line_reason r USING (order_id, line_no)
    WHERE o.site_id = %(site_id)s AND o.source = %(source)s AND l.refused AND l.row_number > %(after)s
    GROUP BY o.reference, l.order_id, l.line_no ORDER BY l.row_number LIMIT %(limit)s"""


async def rules(tx: Tx) -> list[Rule]:
    return [msgspec.convert(row, Rule) for row in await tx.rows(RULES, {"now": tx.now})]


async def known_orders(tx: Tx, site_id: str, source: str, references: Iterable[str]) -> dict[str, Row]:
    params = {"site_id": site_id, "source": source, "references": sorted(set(references))}
    return {row["reference"]: row for row in await tx.rows(KNOWN_ORDERS, params)}


async def insert(
    tx: Tx, site_id: str, owner_party_id: str, reviewed: Sequence[tuple[str, Draft, Review, Any]]
) -> None:
    """Keep orders of one source with their lines and reviews: (order id, draft, review, placed at)."""
    if not reviewed:
        return
    common = {"site_id": site_id, "owner_party_id": owner_party_id, "now": tx.now}
    await tx.run(
        INSERT_ORDERS,
        {
            **common,
            "source": reviewed[0][1].source,
            "order_ids": [order_id for order_id, *_ in reviewed],
            "references": [draft.reference for _, draft, *_ in reviewed],
            "customers": [draft.customer for _, draft, *_ in reviewed],
            "states": [review.state for *_, review, _ in reviewed],
            "digests": [draft.digest() for _, draft, *_ in reviewed],
            "placed": [placed_at for *_, placed_at in reviewed],
        },
    )
    await tx.run(INSERT_LINES, {**common, **_line_columns(reviewed)})
    await tx.run(INSERT_REVIEWS, {**common, **_review_columns(reviewed)})
    await tx.run(INSERT_REASONS, {**common, **_reason_columns(reviewed)})


def _line_columns(reviewed: Sequence[tuple[str, Draft, Review, Any]]) -> dict[str, list[Any]]:
    lines = [
        (order_id, line, line.line_no in refused)
        for order_id, draft, review, _ in reviewed
        for refused in [review.refused_lines]
        for line in draft.lines
    ]
    return {
        "order_ids": [order_id for order_id, *_ in lines],
        "line_nos": [line.line_no for _, line, _ in lines],
        "skus": [line.sku for _, line, _ in lines],
        "lots": [line.lot_id for _, line, _ in lines],
        "unit_ids": [Jsonb(list(line.unit_ids)) for _, line, _ in lines],
        "quantities": [line.quantity_each for _, line, _ in lines],
        "refused": [refused for *_, refused in lines],
        "rows": [line.row_number for _, line, _ in lines],
        "descriptions": [line.description for _, line, _ in lines],
        "prices": [line.price_milli for _, line, _ in lines],
    }


def _review_columns(reviewed: Sequence[tuple[str, Draft, Review, Any]]) -> dict[str, list[Any]]:
    results = [(order_id, result) for order_id, _, review, _ in reviewed for result in review.results]
    return {
        "order_ids": [order_id for order_id, _ in results],
        "rules": [result.rule for _, result in results],
        "versions": [result.version for _, result in results],
        "outcomes": [result.outcome for _, result in results],
        "inputs": [Jsonb(result.inputs) for _, result in results],
    }


def _reason_columns(reviewed: Sequence[tuple[str, Draft, Review, Any]]) -> dict[str, list[Any]]:
    reasons = []
    for order_id, _, review, _ in reviewed:
        counted: set[int] = set()
        # A line is counted under its first refusal; only a line with none is counted under a hold.
        for reason in sorted(review.reasons, key=lambda reason: reason.outcome == "hold"):
            reasons.append((order_id, reason, reason.line_no not in counted))
            counted.add(reason.line_no)
    return {
        "order_ids": [order_id for order_id, *_ in reasons],
        "line_nos": [reason.line_no for _, reason, _ in reasons],
        "keys": [reason.key for _, reason, _ in reasons],
        "firsts": [is_first for *_, is_first in reasons],
        "facts": [Jsonb(reason.facts) for _, reason, _ in reasons],
    }


async def lock(tx: Tx, order_ids: Iterable[str]) -> list[Row]:
    """The orders, locked in order of their ids."""
    return await tx.rows(LOCK_ORDERS, {"order_ids": sorted(set(order_ids))})


async def flowing_lines(tx: Tx, order_ids: Iterable[str]) -> list[Row]:
    return await tx.rows(FLOWING_LINES, {"order_ids": sorted(set(order_ids))})


async def set_states(tx: Tx, states: Mapping[str, str]) -> None:
    if states:
        await tx.run(SET_STATES, {"order_ids": list(states), "states": list(states.values())})


async def add_progress(tx: Tx, progress: dict[tuple[str, int], tuple[int, int, int]]) -> None:
    """Add (reserved, picked, shipped) pieces to lines of locked orders."""
    if progress:
        columns = {
            "order_ids": [order_id for order_id, _ in progress],
            "line_nos": [line_no for _, line_no in progress],
            "reserved": [reserved for reserved, _, _ in progress.values()],
            "picked": [picked for _, picked, _ in progress.values()],
            "shipped": [shipped for _, _, shipped in progress.values()],
        }
        await tx.run(ADD_PROGRESS, columns)


async def withdraw(tx: Tx, order_id: str, reason: str) -> None:
    """No line of the order flows any more, for the reason a person gave."""
    params = {"order_id": order_id, "key": WITHDRAWN, "facts": Jsonb({"reason": reason}), "reason": reason}
    await tx.run(WITHDRAW_REASONS, params)
    await tx.run(WITHDRAW_LINES, params)
    await tx.run(END, params)


async def owners_of_skus(read: ReadTx, site_id: str, skus: Iterable[str]) -> list[str]:
    rows = await read.rows(OWNERS_OF_SKUS, {"site_id": site_id, "skus": sorted(set(skus))})
    return sorted(row["owner_party_id"] for row in rows)


async def page(read: ReadTx, site_id: str, state: str | None, cursor: str | None, limit: int) -> list[Row]:
    asked = {"site_id": site_id, "state": state, "cursor": cursor, "limit": limit, "now": read.now}
    return await read.rows(PAGE, asked)


async def one(read: ReadTx, order_id: str) -> Row | None:
    return await read.row(ONE, {"order_id": order_id, "now": read.now})


async def lines_of(read: ReadTx, order_ids: Sequence[str]) -> list[Row]:
    return await read.rows(LINES_OF, {"order_ids": list(order_ids)})


async def reasons_of(read: ReadTx, order_ids: Sequence[str]) -> list[Row]:
    return await read.rows(REASONS_OF, {"order_ids": list(order_ids)})


async def review_of(read: ReadTx, order_id: str) -> list[Row]:
    return await read.rows(REVIEW_OF, {"order_id": order_id})


async def summary(read: ReadTx, site_id: str, source: str) -> tuple[list[Row], list[Row]]:
    """Rows by (state, first reason), and orders by state."""
    params = {"site_id": site_id, "source": source}
    return await read.rows(SUMMARY, params), await read.rows(ORDERS_BY_STATE, params)


async def refused_rows(read: ReadTx, site_id: str, source: str, after: int, limit: int) -> list[Row]:
    params = {"site_id": site_id, "source": source, "after": after, "limit": limit}
    return await read.rows(REFUSED_ROWS, params)
