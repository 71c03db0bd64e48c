"""Pictures that readings name."""

import asyncio
import hashlib
from pathlib import Path
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Request, Response

from devices.ingest.snapshots import snapshot_path
from devices.registry.handlers import require_site
from identity.http import Admits, Session
from kernel.errors import Conflict, NotFound

PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}

router = APIRouter(prefix="/api/v1", tags=["devices"])
log = structlog.get_logger("snapshots")

OnSite = Annotated[Session, Depends(Admits("operator", "admin", "keeper"))]
"""People of the site alone: others could tell persons by a picture."""


@router.get("/sites/{site_id}/snapshots/{sha256}", response_class=Response, responses=PICTURE)
async def read_snapshot(site_id: str, sha256: str, session: OnSite, request: Request) -> Response:
    """A picture by its SHA-256, as it was kept; who read it is logged.

    `snapshots.unknown` when it was never kept, is older than pictures are kept, or lies at an edge elsewhere.
    """
    async with session.read() as read:
        await require_site(read, site_id)
    folder: Path = request.app.state.snapshots_dir
    path = snapshot_path(folder, site_id, sha256)
    picture = None if path is None else await asyncio.to_thread(_read, path)
    if picture is None:
        raise NotFound("snapshots.unknown", sha256=sha256)
    if hashlib.sha256(picture).hexdigest() != sha256:
        raise Conflict("snapshots.damaged", sha256=sha256)
    log.info("snapshot_read", site_id=site_id, sha256=sha256, person_id=session.caller.person_id)
    headers = {"Cache-Control": "private, max-age=3600", "Content-Disposition": "inline"}
    return Response(picture, media_type="image/jpeg", headers=headers)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
