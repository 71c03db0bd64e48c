"""Allocation over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from identity.http import Admits, Body, Session
from wms.messages import ORDERS_ALLOCATED_MAX, AllocateOrder, AllocateOrders, CancelOrder
from wms.orders.routes import ReasonBody
from wms.orders.views import OrderRow, order_view

router = APIRouter(prefix="/api/v1", tags=["allocation"])

Staff = Annotated[Session, Depends(Admits("operator", "keeper"))]


class OrdersBody(Body):
    order_ids: list[str] = Field(min_length=1, max_length=ORDERS_ALLOCATED_MAX)


class OrderStateView(BaseModel):
    order_id: str
    state: str


class AllocatedView(BaseModel):
    orders: list[OrderStateView]


@router.post("/orders/{order_id}/allocate")
async def allocate_order(order_id: str, session: Staff) -> OrderRow:
    """Promise stock to an order and make its pick tasks."""
    await session.do(AllocateOrder(order_id=order_id))
    async with session.read() as read:
        return await order_view(read, order_id)


@router.post("/sites/{site_id}/allocations")
async def allocate_orders(site_id: str, body: OrdersBody, session: Staff) -> AllocatedView:
    """The same for many orders at once."""
    result = await session.do(AllocateOrders(site_id=site_id, order_ids=tuple(body.order_ids)))
    return AllocatedView(
        orders=[OrderStateView(order_id=order.order_id, state=order.state) for order in result.orders]
    )


@router.post("/orders/{order_id}/cancel")
async def cancel_order(order_id: str, body: ReasonBody, session: Staff) -> OrderRow:
    """Withdraw an order of which nothing is picked."""
    await session.do(CancelOrder(order_id=order_id, reason=body.reason))
    async with session.read() as read:
        return await order_view(read, order_id)
