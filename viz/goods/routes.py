"""Units and lots over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from identity.http import Admits, Page, PagingQuery, Session
from kernel.caller import ROLES
from viz.goods.views import LotView, UnitDetailView, lot_list, unit_list, unit_page
from viz.scene.model import UnitView

router = APIRouter(prefix="/api/v1", tags=["goods"])

Anyone = Annotated[Session, Depends(Admits(*ROLES))]
Text = Annotated[str | None, Query(max_length=100)]


@router.get("/sites/{site_id}/units")
async def list_units(
    site_id: str, session: Anyone, page: PagingQuery, query: Text = None, lot: Text = None, slot: Text = None
) -> Page[UnitView]:
    """Units that the caller's party may see: by lot, by slot (seen or claimed), or found by a code."""
    async with session.read() as read:
        units = await unit_list(
            read, site_id, query=query, lot=lot, slot=slot, after=page.cursor, limit=page.limit
        )
    return page.page(units, lambda unit: unit.unit_id)


@router.get("/sites/{site_id}/units/{unit_id}")
async def show_unit(site_id: str, unit_id: str, session: Anyone) -> UnitDetailView:
    """One unit: what the books claimed, what sensors saw, who holds it."""
    async with session.read() as read:
        return await unit_page(read, site_id, unit_id)


@router.get("/sites/{site_id}/lots")
async def list_lots(site_id: str, session: Anyone, page: PagingQuery) -> Page[LotView]:
    """Lots that the caller's party may see, books beside evidence."""
    async with session.read() as read:
        lots = await lot_list(read, site_id, page.cursor, page.limit)
    return page.page(lots, lambda lot: lot.lot_id)
