"""Orders as pages show them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from kernel.errors import NotFound
from kernel.tx import ReadTx, Row
from wms.orders import store


class ReasonRow(BaseModel):
    """Why a line does not flow; `key` and `facts` make the text."""

    line_no: int
    key: str
    facts: dict[str, Any]


class LineRow(BaseModel):
    """`state` is refused, waiting (for stock or allocation), short, allocated, picked or shipped."""

    line_no: int
    sku: str
    lot_id: str | None
    unit_ids: list[str]
    quantity_each: int
    reserved_each: int
    picked_each: int
    shipped_each: int
    row_number: int | None
    state: str


class OrderRow(BaseModel):
    """`is_releasable`: something is picked that no live release lets out."""

    order_id: str
    site_id: str
    owner_party_id: str
    reference: str
    source: str
    customer: str
    state: str
    lines: list[LineRow]
    reasons: list[ReasonRow]
    placed_at: datetime
    ended_reason: str | None
    is_releasable: bool


class RuleRow(BaseModel):
    """What one version of a review rule said about an order."""

    rule: str
    version: int
    outcome: str
    inputs: dict[str, Any]
    reviewed_at: datetime


class ImportSummary(BaseModel):
    """What became of a file's rows: `rows` = `flowing_rows` + `refused_rows`, and each of the two is the sum
    of its parts."""

    source: str
    rows: int
    flowing_rows: int
    refused_rows: int
    flowing_by_state: dict[str, int]
    refused_by_reason: dict[str, int]
    orders_by_state: dict[str, int]


class RefusedRow(BaseModel):
    """A row of a file that does not flow; `keys` are all its reasons, the counted one first."""

    reference: str
    row_number: int
    sku: str
    quantity_each: int
    description: str
    keys: list[str]


async def order_list(
    read: ReadTx, site_id: str, state: str | None, cursor: str | None, limit: int
) -> list[OrderRow]:
    """Newest first, from before `cursor`."""
    return await _with_lines(read, await store.page(read, site_id, state, cursor, limit))


async def order_view(read: ReadTx, order_id: str) -> OrderRow:
    """One order; NotFound `orders.unknown`."""
    row = await store.one(read, order_id)
    if row is None:
        raise NotFound("orders.unknown", order_id=order_id)
    return (await _with_lines(read, [row]))[0]


async def review_view(read: ReadTx, order_id: str) -> list[RuleRow]:
    """What every rule said about an order; NotFound `orders.unknown`."""
    if await store.one(read, order_id) is None:
        raise NotFound("orders.unknown", order_id=order_id)
    return [RuleRow(**row) for row in await store.review_of(read, order_id)]


async def import_summary(read: ReadTx, site_id: str, source: str) -> ImportSummary:
    """The counts of an imported file; all zero for a file nobody imported."""
    rows, orders = await store.summary(read, site_id, source)
    flowing: dict[str, int] = {}
    refused: dict[str, int] = {}
    for row in rows:
        counts, name = (refused, row["key"]) if row["state"] == "refused" else (flowing, row["state"])
        counts[name] = counts.get(name, 0) + row["rows"]
    return ImportSummary(
        source=source,
        rows=sum(row["rows"] for row in rows),
        flowing_rows=sum(flowing.values()),
        refused_rows=sum(refused.values()),
        flowing_by_state=flowing,
        refused_by_reason=refused,
        orders_by_state={row["state"]: row["orders"] for row in orders},
    )


async def refused_rows(read: ReadTx, site_id: str, source: str, after: int, limit: int) -> list[RefusedRow]:
    """The rows that do not flow, by row number from after `after`."""
    return [RefusedRow(**row) for row in await store.refused_rows(read, site_id, source, after, limit)]


async def _with_lines(read: ReadTx, orders: list[Row]) -> list[OrderRow]:
    ids = [row["order_id"] for row in orders]
    lines: dict[str, list[LineRow]] = {order_id: [] for order_id in ids}
    for row in await store.lines_of(read, ids):
        lines[row["order_id"]].append(LineRow(**row))
    reasons: dict[str, list[ReasonRow]] = {order_id: [] for order_id in ids}
    for row in await store.reasons_of(read, ids):
        reasons[row["order_id"]].append(ReasonRow(**row))
    return [OrderRow(**row, lines=lines[row["order_id"]], reasons=reasons[row["order_id"]]) for row in orders]
