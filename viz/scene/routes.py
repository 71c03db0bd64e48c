"""The scene over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from identity.http import Admits, Session
from kernel.caller import ROLES
from viz.scene.model import SceneView
from viz.scene.views import scene

router = APIRouter(prefix="/api/v1", tags=["scene"])


@router.get("/sites/{site_id}/scene", response_model=SceneView)
async def show_scene(site_id: str, session: Annotated[Session, Depends(Admits(*ROLES))]) -> Response:
    """Everything on the site that the caller's party may see, as one picture."""
    async with session.read() as read:
        view = await scene(read, site_id)
    # Written once here: the framework would check thousands of units a second time.
    return Response(view.model_dump_json(), media_type="application/json")
