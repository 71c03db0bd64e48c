"""What people see of the orders to a site's devices."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from kernel.tx import ReadTx

ORDERS = """
    SELECT number, command_id, device_id, action, parameters, cause, ref_id, ordered_by, state, failure,
        queued_at, valid_until, sent_at, settled_at
    FROM devices.command
    WHERE site_id = %(site_id)s AND (%(before)s::bigint IS NULL OR number < %(before)s)
    ORDER BY number DESC LIMIT %(limit)s"""


class OrderRow(BaseModel):
    """One order: who gave it and why (`cause`), when, and what became of it.

    `state` is queued, sent, confirmed by the device's own feedback, or failed for the reason in `failure`.
    `ordered_by` is a person, or a part of the product such as `product:work`.
    """

    number: int
    command_id: str
    device_id: str
    action: str
    parameters: dict[str, Any]
    cause: str
    ref_id: str | None
    ordered_by: str
    state: str
    failure: str | None
    queued_at: datetime
    valid_until: datetime
    sent_at: datetime | None
    settled_at: datetime | None


async def orders_of_site(
    read: ReadTx, site_id: str, before: int | None = None, limit: int = 50
) -> list[OrderRow]:
    """The site's orders, newest first; empty when the caller may not see the site."""
    rows = await read.rows(ORDERS, {"site_id": site_id, "before": before, "limit": limit})
    return [OrderRow(**row) for row in rows]
