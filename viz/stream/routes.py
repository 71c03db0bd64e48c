"""The live stream of a site over a WebSocket."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Query, WebSocket, WebSocketDisconnect

from identity.http import SESSION_COOKIE, Admits, Desk, Session
from kernel.caller import ROLES
from kernel.errors import Unavailable
from viz.scene.views import require_site
from viz.stream.hub import Hub, Resume
from viz.stream.mailbox import CLOSE_SESSION_ENDED, CLOSE_TOO_SLOW, Closed, Mailbox
from viz.stream.watch import View

SESSION_LOOKED_AT_EVERY_S = 15.0
SEND_S_MAX, CLOSE_S_MAX = 20.0, 2.0
"""A client that takes longer to take one frame, or our goodbye, is let go."""

router = APIRouter(prefix="/api/v1", tags=["stream"])


@router.websocket("/sites/{site_id}/stream")
async def follow_site(
    websocket: WebSocket,
    site_id: str,
    session: Annotated[Session, Depends(Admits(*ROLES))],
    after: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    alarms_after: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
) -> None:
    """Everything that changes on the site, as far as the caller's party may see it.

    `after` is the revision of a scene: what has changed since comes first. `alarms_after` is the cursor of
    the last alarm received. Without `after`, the alarms that are active come first.
    """
    async with session.read() as read:
        await require_site(read, site_id)
    view = View(site_id, session.caller.party_id, session.caller.roles)
    hub: Hub = websocket.app.state.hub
    async with hub.watching(view, Resume(after, alarms_after)) as mailbox:
        await websocket.accept()
        watch = asyncio.create_task(_end_with_session(websocket, mailbox))
        try:
            await _until_first(_send(websocket, mailbox), _hear(websocket))
        finally:
            watch.cancel()


async def _until_first(*parts: Awaitable[None]) -> None:
    """Run the parts until one of them ends, then end the others."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for result in ended:
        if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect):
            raise result


async def _send(websocket: WebSocket, mailbox: Mailbox) -> None:
    try:
        while True:
            for frame in await mailbox.take():
                async with asyncio.timeout(SEND_S_MAX):
                    if isinstance(frame, bytes):
                        await websocket.send_bytes(frame)
                    else:
                        await websocket.send_text(frame)
    except Closed as closed:
        await _close(websocket, closed.code, closed.reason)
    except TimeoutError:
        await _close(websocket, CLOSE_TOO_SLOW, "a frame was not taken in time")


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    """Say goodbye; a client that takes nothing any more is left without it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S_MAX):
            await websocket.close(code, reason)


async def _hear(websocket: WebSocket) -> None:
    """A client has nothing to say here; this notices when it goes."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _end_with_session(websocket: WebSocket, mailbox: Mailbox) -> None:
    """The stream ends when the person signs out, is disabled, or the session expires."""
    desk: Desk = websocket.app.state.desk
    while await _is_open(desk, websocket.cookies.get(SESSION_COOKIE, "")):  # noqa: ASYNC110 - nothing tells.
        await asyncio.sleep(SESSION_LOOKED_AT_EVERY_S)
    mailbox.close(CLOSE_SESSION_ENDED, "the session has ended")


async def _is_open(desk: Desk, cookie: str) -> bool:
    """Whether the session lives; while the database is away nothing is shown, so nothing is ended."""
    try:
        return await desk.session_of(cookie) is not None
    except Unavailable:
        return True
