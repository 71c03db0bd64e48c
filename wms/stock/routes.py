"""Stock over HTTP: the journal, and corrections."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from identity.http import Admits, Body, Page, PagingQuery, Session, Whole
from wms.messages import AdjustStock
from wms.stock.views import FreeStockRow, MoveRow, free_stock, move_list

router = APIRouter(prefix="/api/v1", tags=["stock"])

Keeper = Annotated[Session, Depends(Admits("keeper"))]
Staff = Annotated[Session, Depends(Admits("keeper", "operator"))]
Reader = Annotated[
    Session, Depends(Admits("keeper", "operator", "borrower", "officer", "approver", "auditor"))
]


class CountBody(Body):
    counted_each: Whole = Field(ge=0)
    reason: str = Field(min_length=1, max_length=200)


@router.get("/sites/{site_id}/free-stock")
async def list_free_stock(site_id: str, session: Staff, paging: PagingQuery) -> Page[FreeStockRow]:
    """What orders can still be promised of each owner's items."""
    async with session.read() as read:
        rows = await free_stock(read, site_id, paging.cursor, paging.limit)
    return paging.page(rows, lambda row: row.place)


@router.get("/sites/{site_id}/stock-moves")
async def list_moves(
    site_id: str, session: Reader, paging: PagingQuery, unit_id: str | None = None
) -> Page[MoveRow]:
    """The stock journal, newest first."""
    async with session.read() as read:
        rows = await move_list(read, site_id, unit_id, paging.number, paging.limit)
    return paging.page(rows, lambda row: str(row.move_id))


@router.post("/units/{unit_id}/count", status_code=204)
async def adjust_stock(unit_id: str, body: CountBody, session: Keeper) -> None:
    """Correct the books of a unit to what was counted."""
    await session.do(AdjustStock(unit_id=unit_id, counted_each=body.counted_each, reason=body.reason))
