"""Deliveries and opening stock over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from identity.http import Admits, Body, Page, PagingQuery, Session, Whole
from wms.inbound.views import DeliveryRow, delivery_list, delivery_view
from wms.messages import (
    DELIVERY_UNITS_MAX,
    OPENING_ROWS_MAX,
    AnnounceDelivery,
    CancelVisit,
    DeclareOpeningStock,
    DeliveryUnit,
    OpeningRow,
    Vehicle,
)
from wms.orders.routes import ReasonBody

router = APIRouter(prefix="/api/v1", tags=["inbound"])

Staff = Annotated[Session, Depends(Admits("keeper", "operator"))]
Reader = Annotated[
    Session, Depends(Admits("keeper", "operator", "picker", "borrower", "officer", "auditor", "admin"))
]


class VehicleBody(Body):
    plate: str
    epc_hex: str


class DeliveryUnitBody(Body):
    sscc: str
    epc_hex: str
    quantity_each: Whole
    expected_mass_g: Whole


class DeliveryBody(Body):
    owner_party_id: str
    lot_code: str
    sku: str
    vehicle: VehicleBody
    units: list[DeliveryUnitBody] = Field(max_length=DELIVERY_UNITS_MAX)
    delivery_id: str | None = Field(default=None, min_length=1, max_length=60)


class OpeningRowBody(Body):
    sscc: str
    sku: str
    lot: str
    quantity_each: Whole
    mass_g: Whole
    slot_id: str
    owner_party_id: str
    epc_hex: str | None = None


class OpeningBody(Body):
    rows: list[OpeningRowBody] = Field(max_length=OPENING_ROWS_MAX)


class OpeningView(BaseModel):
    units: int


@router.post("/sites/{site_id}/deliveries", status_code=201)
async def announce_delivery(site_id: str, body: DeliveryBody, session: Staff) -> DeliveryRow:
    """Enter an advance shipping notice."""
    command = AnnounceDelivery(
        site_id=site_id,
        owner_party_id=body.owner_party_id,
        lot_code=body.lot_code,
        sku=body.sku,
        vehicle=Vehicle(**body.vehicle.model_dump()),
        units=tuple(DeliveryUnit(**unit.model_dump()) for unit in body.units),
        delivery_id=body.delivery_id,
    )
    result = await session.do(command)
    async with session.read() as read:
        return await delivery_view(read, result.delivery_id)


@router.get("/sites/{site_id}/deliveries")
async def list_deliveries(site_id: str, session: Reader, paging: PagingQuery) -> Page[DeliveryRow]:
    async with session.read() as read:
        rows = await delivery_list(read, site_id, paging.cursor, paging.limit)
    return paging.page(rows, lambda row: row.delivery_id)


@router.post("/visits/{visit_id}/cancel", status_code=204)
async def cancel_visit(visit_id: str, body: ReasonBody, session: Staff) -> None:
    """Take back what was announced wrongly, while nothing of it has arrived: the vehicle, and the delivery
    that it was to bring."""
    await session.do(CancelVisit(visit_id=visit_id, reason=body.reason))


@router.post("/sites/{site_id}/opening-stock", status_code=201)
async def declare_opening_stock(site_id: str, body: OpeningBody, session: Staff) -> OpeningView:
    """Enter stock that is already in the racks: a claim, not evidence."""
    rows = tuple(OpeningRow(**row.model_dump()) for row in body.rows)
    return OpeningView(units=await session.do(DeclareOpeningStock(site_id=site_id, rows=rows)))
