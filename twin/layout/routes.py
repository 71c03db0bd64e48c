"""Sites and their layouts over HTTP."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel

from identity.http import Admits, Page, PagingQuery, Session
from kernel.caller import ROLES
from kernel.errors import Invalid
from kernel.layout import Layout
from kernel.misfit import misfit
from twin.layout.views import SiteRow, layout_version, site_list
from twin.messages import ImportLayout

router = APIRouter(prefix="/api/v1", tags=["layout"])

Anyone = Annotated[Session, Depends(Admits(*ROLES))]
Admin = Annotated[Session, Depends(Admits("admin"))]


class ImportedView(BaseModel):
    site_id: str
    version: int


@router.get("/sites")
async def list_sites(session: Anyone, paging: PagingQuery) -> Page[SiteRow]:
    """The sites that the caller's party may see."""
    async with session.read() as read:
        sites = await site_list(read, paging.cursor, paging.limit)
    return paging.page(sites, lambda site: site.site_id)


@router.post("/sites", status_code=201)
async def import_layout(
    session: Admin,
    layout: Annotated[dict[str, Any], Body()],
    keeper_party_id: Annotated[str, Body(max_length=100)] = "",
) -> ImportedView:
    """Make a layout current; every violation is listed in the problem document.

    `keeper_party_id` is the party that keeps the site; empty means the caller's own.
    """
    imported = await session.do(ImportLayout(layout=_layout(layout), keeper_party_id=keeper_party_id))
    return ImportedView(site_id=imported.site_id, version=imported.version)


def _layout(document: dict[str, Any]) -> Layout:
    try:
        return msgspec.convert(document, Layout, strict=True)
    except msgspec.ValidationError as error:
        place, rule = misfit(error)
        field = f"layout.{place}" if place else "layout"
        raise Invalid("layout.malformed", field=field, rule=rule) from error


@router.get("/sites/{site_id}/layout")
async def show_layout(site_id: str, session: Anyone) -> dict[str, Any]:
    """The current layout with its `version`."""
    async with session.read() as read:
        layout, version = await layout_version(read, site_id)
    return {**msgspec.to_builtins(layout), "version": version}
