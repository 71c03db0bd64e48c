"""Scans as pages show them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from kernel.tx import ReadTx
from wms.scans import store


class ScanRow(BaseModel):
    """A scan and its answer. `scan_id` is the id of its observation."""

    scan_no: int
    scan_id: str
    device_id: str
    observed_at: datetime
    recorded_at: datetime
    code: str
    place_code: str | None
    task_id: str | None
    outcome: str
    key: str | None
    facts: dict[str, Any]
    person_id: str


async def scan_list(
    read: ReadTx, site_id: str, outcome: str | None, before: int | None, limit: int
) -> list[ScanRow]:
    """Newest first, numbered before `before`."""
    return [ScanRow(**row) for row in await store.page(read, site_id, outcome, before, limit)]
