"""The catalogue over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from identity.http import Admits, Body, Page, PagingQuery, Session, Whole
from kernel.caller import ROLES
from wms.catalogue.views import SkuRow, sku_list
from wms.messages import SKUS_MAX, Handling, RegisterSkus, SkuEntry

router = APIRouter(prefix="/api/v1", tags=["catalogue"])

Anyone = Annotated[Session, Depends(Admits(*ROLES))]
Keeper = Annotated[Session, Depends(Admits("keeper", "operator"))]


class SkuBody(Body):
    sku: str
    name_en: str
    name_zh: str
    unit_mass_g: Whole
    handling: Handling = "ambient"


class SkusBody(Body):
    items: list[SkuBody] = Field(max_length=SKUS_MAX)


class RegisteredView(BaseModel):
    registered: int


@router.get("/skus")
async def list_skus(session: Anyone, paging: PagingQuery) -> Page[SkuRow]:
    async with session.read() as read:
        rows = await sku_list(read, paging.cursor, paging.limit)
    return paging.page(rows, lambda row: row.sku)


@router.post("/skus", status_code=201)
async def register_skus(body: SkusBody, session: Keeper) -> RegisteredView:
    """Enter items, or correct their names and handling. The mass of a piece is entered once and stays."""
    items = tuple(SkuEntry(**item.model_dump()) for item in body.items)
    return RegisteredView(registered=await session.do(RegisterSkus(items=items)))
