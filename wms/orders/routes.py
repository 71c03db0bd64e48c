"""Orders and imports over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from identity.http import Admits, Body, Page, PagingQuery, Session, Whole
from wms.messages import (
    IMPORT_ROWS_MAX,
    ORDER_LINES_MAX,
    DecideOrder,
    ImportedInvoice,
    ImportOrders,
    ImportRow,
    OrderLine,
    OrderState,
    PlaceOrder,
)
from wms.orders.handlers import REASON_LENGTH_MAX
from wms.orders.views import (
    ImportSummary,
    OrderRow,
    RefusedRow,
    RuleRow,
    import_summary,
    order_list,
    order_view,
    refused_rows,
    review_view,
)

router = APIRouter(prefix="/api/v1", tags=["orders"])

Staff = Annotated[Session, Depends(Admits("operator", "keeper"))]
Reader = Annotated[Session, Depends(Admits("operator", "keeper", "picker", "borrower", "auditor", "admin"))]


class ReasonBody(Body):
    """Why something is taken back or declined."""

    reason: str = Field(min_length=1, max_length=REASON_LENGTH_MAX)


class LineBody(Body):
    sku: str
    quantity_each: Whole = 0
    lot_id: str | None = None
    unit_ids: list[str] = Field(default=[], max_length=500)


class OrderBody(Body):
    reference: str
    customer: str
    lines: list[LineBody] = Field(max_length=ORDER_LINES_MAX)
    owner_party_id: str | None = None


class DecisionBody(Body):
    accept: bool
    reason: str = Field(min_length=1, max_length=200)


class ImportRowBody(Body):
    row_number: Whole = Field(ge=1)
    sku: str
    quantity_each: Whole
    description: str = ""
    price_milli: Whole = 0


class InvoiceBody(Body):
    reference: str
    customer: str
    placed_at: AwareDatetime
    rows: list[ImportRowBody] = Field(min_length=1, max_length=ORDER_LINES_MAX)


class ImportBody(Body):
    source: str = Field(min_length=1, max_length=120)
    owner_party_id: str
    invoices: list[InvoiceBody] = Field(min_length=1, max_length=IMPORT_ROWS_MAX)


class ImportView(BaseModel):
    rows: int
    flowing_rows: int
    refused_rows: int
    order_ids: list[str]


@router.post("/sites/{site_id}/orders", status_code=201)
async def place_order(site_id: str, body: OrderBody, session: Staff) -> OrderRow:
    """Place an order; it is reviewed at once, with all reasons."""
    result = await session.do(
        PlaceOrder(
            site_id=site_id,
            reference=body.reference,
            customer=body.customer,
            owner_party_id=body.owner_party_id,
            lines=tuple(
                OrderLine(
                    sku=line.sku,
                    quantity_each=line.quantity_each,
                    lot_id=line.lot_id,
                    unit_ids=tuple(line.unit_ids),
                )
                for line in body.lines
            ),
        )
    )
    async with session.read() as read:
        return await order_view(read, result.order_id)


@router.get("/sites/{site_id}/orders")
async def list_orders(
    site_id: str, session: Reader, paging: PagingQuery, state: OrderState | None = None
) -> Page[OrderRow]:
    async with session.read() as read:
        rows = await order_list(read, site_id, state, paging.cursor, paging.limit)
    return paging.page(rows, lambda row: row.order_id)


@router.get("/orders/{order_id}")
async def show_order(order_id: str, session: Reader) -> OrderRow:
    async with session.read() as read:
        return await order_view(read, order_id)


@router.get("/orders/{order_id}/review")
async def show_review(order_id: str, session: Reader) -> list[RuleRow]:
    """What every rule said, by version."""
    async with session.read() as read:
        return await review_view(read, order_id)


@router.post("/orders/{order_id}/decide")
async def decide_order(order_id: str, body: DecisionBody, session: Staff) -> OrderRow:
    """Let a held order flow, or refuse it."""
    await session.do(DecideOrder(order_id=order_id, accept=body.accept, reason=body.reason))
    async with session.read() as read:
        return await order_view(read, order_id)


@router.post("/sites/{site_id}/order-imports", status_code=201)
async def import_orders(site_id: str, body: ImportBody, session: Staff) -> ImportView:
    """Enter invoices of a sales file: every row flows or is refused with its reasons."""
    result = await session.do(
        ImportOrders(
            site_id=site_id,
            source=body.source,
            owner_party_id=body.owner_party_id,
            invoices=tuple(
                ImportedInvoice(
                    reference=invoice.reference,
                    customer=invoice.customer,
                    placed_at=invoice.placed_at,
                    rows=tuple(ImportRow(**row.model_dump()) for row in invoice.rows),
                )
                for invoice in body.invoices
            ),
        )
    )
    return ImportView(
        rows=result.rows,
        flowing_rows=result.flowing_rows,
        refused_rows=result.refused_rows,
        order_ids=[order.order_id for order in result.orders],
    )


@router.get("/sites/{site_id}/order-imports/{source}/summary")
async def show_import(site_id: str, source: str, session: Reader) -> ImportSummary:
    """What became of a file's rows; the counts add up."""
    async with session.read() as read:
        return await import_summary(read, site_id, source)


@router.get("/sites/{site_id}/order-imports/{source}/refused")
async def list_refused_rows(
    site_id: str, source: str, session: Reader, paging: PagingQuery
) -> Page[RefusedRow]:
    """The rows of a file that do not flow, each with all its reasons."""
    async with session.read() as read:
        rows = await refused_rows(read, site_id, source, paging.number or 0, paging.limit)
    return paging.page(rows, lambda row: str(row.row_number))
