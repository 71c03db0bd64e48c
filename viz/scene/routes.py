"""The scene over HTTP."""

import asyncio
from functools import lru_cache
from hashlib import sha256
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Response

from identity.http import Admits, Session
from kernel.caller import ROLES
from kernel.layout import Layout
from twin.api import layout_of
from viz.scene.gltf import hull_glb
from viz.scene.model import SceneView
from viz.scene.views import scene

HULLS_KEPT_MAX = 16

router = APIRouter(prefix="/api/v1", tags=["scene"])

Anyone = Annotated[Session, Depends(Admits(*ROLES))]


@router.get("/sites/{site_id}/scene", response_model=SceneView)
async def show_scene(site_id: str, session: Anyone) -> Response:
    """Everything on the site that the caller's party may see, as one picture."""
    async with session.read() as read:
        view = await scene(read, site_id)
    # Written once here: the framework would check thousands of units a second time.
    return Response(view.model_dump_json(), media_type="application/json")


@router.get(
    "/sites/{site_id}/hull.glb",
    response_class=Response,
    responses={200: {"content": {"model/gltf-binary": {}}}, 304: {"description": "As the caller has it"}},
)
async def show_hull(
    site_id: str, session: Anyone, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """The site's static hull as glTF: floor, racks, weighbridges and gates. Changes only with the layout."""
    async with session.read() as read:
        layout = msgspec.json.encode(await layout_of(read, site_id))
    kept = {"etag": f'"{sha256(layout).hexdigest()}"', "cache-control": "private, no-cache"}
    if if_none_match == kept["etag"]:
        return Response(status_code=304, headers=kept)
    hull = await asyncio.to_thread(_hull, layout)
    return Response(hull, media_type="model/gltf-binary", headers=kept)


@lru_cache(maxsize=HULLS_KEPT_MAX)
def _hull(layout: bytes) -> bytes:
    """The same layout is built once."""
    return hull_glb(msgspec.json.decode(layout, type=Layout))
