"""Alarms over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from identity.http import Admits, Body, Page, PagingQuery, Session
from kernel.caller import ROLES
from kernel.errors import NotFound
from twin.alarms.views import alarm, alarms
from twin.messages import AcknowledgeAlarm, AlarmRow, ClearAlarm, Grade, Modality

router = APIRouter(prefix="/api/v1", tags=["alarms"])

Anyone = Annotated[Session, Depends(Admits(*ROLES))]
Floor = Annotated[Session, Depends(Admits("keeper", "operator"))]


class PointView(BaseModel):
    """Metres in the site's frame."""

    x_m: float
    y_m: float
    z_m: float


class AlarmEvidenceView(BaseModel):
    observation_id: str
    device_id: str
    modality: Modality | None
    at: datetime
    summary: str


class AlarmView(BaseModel):
    """`text_key` is found in the locales and filled with `facts`."""

    alarm_id: str
    site_id: str
    kind: str
    grade: Grade
    state: Literal["active", "cleared"]
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_by_name: str | None
    raised_at: datetime
    cleared_at: datetime | None
    clear_reason: str | None
    lot_ids: list[str]
    unit_ids: list[str]
    gate_id: str | None
    vehicle_id: str | None
    point: PointView | None
    text_key: str
    facts: dict[str, Any]
    evidence: list[AlarmEvidenceView]

    @classmethod
    def of(cls, row: AlarmRow) -> "AlarmView":
        return cls.model_validate(msgspec.to_builtins(row))


class ClearBody(Body):
    reason: str = Field(min_length=1, max_length=500)


@router.get("/sites/{site_id}/alarms")
async def list_alarms(
    site_id: str,
    session: Anyone,
    page: PagingQuery,
    state: Annotated[Literal["active", "all"], Query()] = "all",
) -> Page[AlarmView]:
    """Alarms that the caller's party may see, newest first."""
    async with session.read() as read:
        rows = await alarms(
            read, site_id, active_only=state == "active", before=page.cursor, limit=page.limit
        )
    return page.page([AlarmView.of(row) for row in rows], lambda row: row.alarm_id)


@router.post("/alarms/{alarm_id}/acknowledge")
async def acknowledge_alarm(alarm_id: str, session: Floor) -> AlarmView:
    """A person of the keeper has taken note."""
    await session.do(AcknowledgeAlarm(alarm_id=alarm_id))
    return await _shown(session, alarm_id)


@router.post("/alarms/{alarm_id}/clear")
async def clear_alarm(alarm_id: str, body: ClearBody, session: Floor) -> AlarmView:
    """A person of the keeper closes the alarm and says why."""
    await session.do(ClearAlarm(alarm_id=alarm_id, reason=body.reason))
    return await _shown(session, alarm_id)


async def _shown(session: Session, alarm_id: str) -> AlarmView:
    async with session.read() as read:
        row = await alarm(read, alarm_id)
    if row is None:
        raise NotFound("twin.alarm_unknown", alarm_id=alarm_id)
    return AlarmView.of(row)
