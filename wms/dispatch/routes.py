"""Shipping, releases and gate decisions over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from devices.messages import BarrierAction
from identity.http import Admits, Body, Page, PagingQuery, Session, Whole
from kernel.errors import Invalid, NotFound
from wms.dispatch.views import DecisionRow, ReleaseRow, decision_list, release_list, release_view
from wms.messages import CancelRelease, MoveBarrierByHand, ReleaseShipment
from wms.orders.routes import ReasonBody
from wms.orders.views import order_view
from wms.visits.views import vehicle_of_plate

router = APIRouter(prefix="/api/v1", tags=["dispatch"])

Staff = Annotated[Session, Depends(Admits("operator", "keeper"))]
Reader = Annotated[Session, Depends(Admits("operator", "keeper", "borrower", "auditor", "admin"))]
Inspector = Annotated[Session, Depends(Admits("operator", "keeper", "auditor", "admin"))]


class ShipBody(Body):
    """The vehicle by its id or its plate."""

    gate_id: str
    vehicle_id: str | None = None
    plate: str | None = None
    valid_minutes: Whole = 120


class BarrierBody(Body):
    """`reason` is kept with the order: a person who overrides a gate says why."""

    action: BarrierAction
    reason: str = Field(min_length=3, max_length=200)


class CommandView(BaseModel):
    command_id: str


@router.post("/orders/{order_id}/ship", status_code=201)
async def release_shipment(order_id: str, body: ShipBody, session: Staff) -> ReleaseRow:
    """Release what is picked for an order to one vehicle at one gate."""
    vehicle_id = body.vehicle_id or await _vehicle(session, order_id, body.plate)
    result = await session.do(
        ReleaseShipment(
            order_id=order_id,
            gate_id=body.gate_id,
            vehicle_id=vehicle_id,
            valid_minutes=body.valid_minutes,
        )
    )
    async with session.read() as read:
        return await release_view(read, result.release_id)


async def _vehicle(session: Session, order_id: str, plate: str | None) -> str:
    if plate is None:
        raise Invalid("releases.vehicle", field="vehicle_id", rule="vehicle_id or plate")
    async with session.read() as read:
        order = await order_view(read, order_id)
        vehicle_id = await vehicle_of_plate(read, order.site_id, plate)
    if vehicle_id is None:
        raise NotFound("vehicles.unknown", plate=plate)
    return vehicle_id


@router.post("/releases/{release_id}/cancel")
async def cancel_release(release_id: str, body: ReasonBody, session: Staff) -> ReleaseRow:
    """Withdraw a release that was not used."""
    await session.do(CancelRelease(release_id=release_id, reason=body.reason))
    async with session.read() as read:
        return await release_view(read, release_id)


@router.get("/sites/{site_id}/releases")
async def list_releases(site_id: str, session: Reader, paging: PagingQuery) -> Page[ReleaseRow]:
    async with session.read() as read:
        rows = await release_list(read, site_id, paging.cursor, paging.limit)
    return paging.page(rows, lambda row: row.release_id)


@router.get("/sites/{site_id}/gate-decisions")
async def list_gate_decisions(site_id: str, session: Inspector, paging: PagingQuery) -> Page[DecisionRow]:
    async with session.read() as read:
        rows = await decision_list(read, site_id, paging.number, paging.limit)
    return paging.page(rows, lambda row: str(row.decision_no))


@router.post("/devices/{device_id}/barrier", status_code=202)
async def move_barrier(device_id: str, body: BarrierBody, session: Staff) -> CommandView:
    """Open or close a barrier by hand. Refused while goods that nobody released stand before it."""
    command = MoveBarrierByHand(device_id=device_id, action=body.action, reason=body.reason)
    return CommandView(command_id=(await session.do(command)).command_id)
