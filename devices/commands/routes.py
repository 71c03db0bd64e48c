"""Orders to devices over HTTP: given by a person with a reason, and listed with what became of them."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from devices.commands.model import REASON_LENGTH_MAX, REASON_LENGTH_MIN
from devices.commands.views import OrderRow, orders_of_site
from devices.families import Value
from devices.messages import OrderDevice
from identity.http import Admits, Body, Page, PagingQuery, Session

router = APIRouter(prefix="/api/v1", tags=["devices"])

Staff = Annotated[Session, Depends(Admits("operator", "keeper"))]
Inspector = Annotated[Session, Depends(Admits("operator", "keeper", "auditor", "admin"))]


class OrderBody(Body):
    """`action` and `parameters` are as the manifest of the device's family has them; `reason` is kept."""

    action: str = Field(max_length=64)
    parameters: dict[str, Value] = Field(default={}, max_length=64)
    reason: str = Field(min_length=REASON_LENGTH_MIN, max_length=REASON_LENGTH_MAX)


class OrderView(BaseModel):
    command_id: str


@router.post("/devices/{device_id}/orders", status_code=202)
async def order_device(device_id: str, body: OrderBody, session: Staff) -> OrderView:
    """Have a device do something, such as zeroing a scale. A barrier is moved through its own route."""
    command = OrderDevice(
        device_id=device_id, action=body.action, parameters=body.parameters, reason=body.reason
    )
    return OrderView(command_id=(await session.do(command)).command_id)


@router.get("/sites/{site_id}/device-orders")
async def list_orders(site_id: str, session: Inspector, paging: PagingQuery) -> Page[OrderRow]:
    """The orders to the site's devices, newest first."""
    async with session.read() as read:
        rows = await orders_of_site(read, site_id, paging.number, paging.limit)
    return paging.page(rows, lambda row: str(row.number))
