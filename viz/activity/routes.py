"""The activity feed over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from identity.http import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Admits, Page, Session
from kernel.caller import ROLES
from viz.activity.views import ActivityView, activity_page
from viz.scene.views import require_site

router = APIRouter(prefix="/api/v1", tags=["activity"])


@router.get("/sites/{site_id}/activity")
async def list_activity(
    site_id: str,
    session: Annotated[Session, Depends(Admits(*ROLES))],
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,18}$")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)] = PAGE_ITEMS_DEFAULT,
) -> Page[ActivityView]:
    """What happened on the site, as far as the caller's party may know: newest first."""
    async with session.read() as read:
        await require_site(read, site_id)
        rows = await activity_page(read, site_id, cursor, limit)
    full = len(rows) == limit
    return Page(items=rows, next_cursor=rows[-1].cursor if full else None)
