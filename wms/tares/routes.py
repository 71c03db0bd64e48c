"""Stated tares over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from identity.http import Admits, Body, Page, PagingQuery, Session, Whole
from wms.messages import ApproveTare, ProposeTare, RefuseTare, WithdrawTare
from wms.orders.routes import ReasonBody
from wms.tares.model import DOCUMENT_LENGTH_MAX
from wms.tares.views import TareRow, tare_list

router = APIRouter(prefix="/api/v1", tags=["tares"])

Keeper = Annotated[Session, Depends(Admits("keeper"))]
Banker = Annotated[Session, Depends(Admits("officer", "approver"))]
Either = Annotated[Session, Depends(Admits("keeper", "officer", "approver"))]
Reader = Annotated[Session, Depends(Admits("operator", "keeper", "officer", "approver", "auditor", "admin"))]


class TareBody(Body):
    """`document` says what the mass rests on, such as the number of the vehicle's licence."""

    vehicle_id: str = Field(min_length=1, max_length=64)
    mass_g: Whole
    document: str = Field(min_length=1, max_length=DOCUMENT_LENGTH_MAX)


class TareView(BaseModel):
    tare_id: str


@router.post("/sites/{site_id}/tares", status_code=201)
async def propose_tare(site_id: str, body: TareBody, session: Keeper) -> TareView:
    """State what a vehicle weighs empty, for banks to approve."""
    stated = await session.do(ProposeTare(site_id=site_id, **body.model_dump()))
    return TareView(tare_id=stated.tare_id)


@router.get("/sites/{site_id}/tares")
async def list_tares(site_id: str, session: Reader, paging: PagingQuery) -> Page[TareRow]:
    """What vehicles were said to weigh empty, with what they weighed here."""
    async with session.read() as read:
        rows = await tare_list(read, site_id, paging.cursor, paging.limit)
    return paging.page(rows, lambda row: row.tare_id)


@router.post("/tares/{tare_id}/approve", status_code=204)
async def approve_tare(tare_id: str, session: Banker) -> None:
    """Agree to it in the caller's bank's name."""
    await session.do(ApproveTare(tare_id=tare_id))


@router.post("/tares/{tare_id}/refuse", status_code=204)
async def refuse_tare(tare_id: str, body: ReasonBody, session: Banker) -> None:
    """Decline it in the caller's bank's name."""
    await session.do(RefuseTare(tare_id=tare_id, reason=body.reason))


@router.post("/tares/{tare_id}/withdraw", status_code=204)
async def withdraw_tare(tare_id: str, body: ReasonBody, session: Either) -> None:
    """Take it back for all."""
    await session.do(WithdrawTare(tare_id=tare_id, reason=body.reason))
