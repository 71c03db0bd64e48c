"""Releases and gate decisions as pages show them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from kernel.errors import NotFound
from kernel.tx import ReadTx
from wms.dispatch import store


class ReleaseRow(BaseModel):
    """A release; `state` is issued, at_gate (the gate is open for it), departed, expired or cancelled."""

    release_id: str
    site_id: str
    order_id: str
    reference: str | None
    gate_id: str
    vehicle_id: str
    plate: str | None
    state: str
    unit_ids: list[str]
    expected_mass_g: int
    valid_from: datetime
    valid_until: datetime
    departed_at: datetime | None


class DecisionRow(BaseModel):
    """A decision of the gate; `reason_key` and `facts` make the text.

    `decided_by` is the person who had it opened by hand, without a direction; None when the gate decided.
    """

    decision_no: int
    decision_id: str
    site_id: str
    gate_id: str
    visit_id: str | None
    vehicle_id: str | None
    direction: str | None
    opened: bool
    reason_key: str
    facts: dict[str, Any]
    release_ids: list[str]
    evidence_ids: list[str]
    decided_by: str | None
    decided_at: datetime


async def release_list(read: ReadTx, site_id: str, cursor: str | None, limit: int) -> list[ReleaseRow]:
    """Newest first, from before `cursor`."""
    return [ReleaseRow(**row) for row in await store.page(read, site_id, cursor, limit)]


async def release_view(read: ReadTx, release_id: str) -> ReleaseRow:
    """One release; NotFound `releases.unknown`."""
    row = await store.one(read, release_id)
    if row is None:
        raise NotFound("releases.unknown", release_id=release_id)
    return ReleaseRow(**row)


async def decision_list(read: ReadTx, site_id: str, before: int | None, limit: int) -> list[DecisionRow]:
    """Newest first, numbered before `before`."""
    return [DecisionRow(**row) for row in await store.decisions(read, site_id, before, limit)]
