"""Visits over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from identity.http import Admits, Body, Page, PagingQuery, Session
from wms.messages import RegisterVisit, VisitPurpose
from wms.visits.views import VisitRow, visit_list

router = APIRouter(prefix="/api/v1", tags=["visits"])

Staff = Annotated[Session, Depends(Admits("operator", "keeper"))]
Reader = Annotated[Session, Depends(Admits("operator", "keeper", "picker", "auditor", "admin"))]


class VisitBody(Body):
    plate: str
    epc_hex: str
    purpose: VisitPurpose = "pickup"


class VisitView(BaseModel):
    visit_id: str
    vehicle_id: str


@router.post("/sites/{site_id}/visits", status_code=201)
async def register_visit(site_id: str, body: VisitBody, session: Staff) -> VisitView:
    """Expect a vehicle at the gate."""
    result = await session.do(RegisterVisit(site_id=site_id, **body.model_dump()))
    return VisitView(visit_id=result.visit_id, vehicle_id=result.vehicle_id)


@router.get("/sites/{site_id}/visits")
async def list_visits(site_id: str, session: Reader, paging: PagingQuery) -> Page[VisitRow]:
    async with session.read() as read:
        rows = await visit_list(read, site_id, paging.cursor, paging.limit)
    return paging.page(rows, lambda row: row.visit_id)
