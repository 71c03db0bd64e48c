"""One living site for the tests of viz, the hub that follows it, and pages that listen."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import pytest
import websockets

from app.database import Database
from app.desk import AppDesk
from app.http import create_app
from app.tasks import Tasks
from app.texts import Texts
from app.wake import Wake
from app.web import WebServer, bind
from app.wiring import ROUTERS
from identity.http import SESSION_COOKIE
from kernel.clock import ManualClock
from kernel.ids import Ids
from tests.conftest import TestServer
from tests.http.conftest import Client
from tests.http.living_site import LivingSite
from viz.stream.codec import Pose, decode_frame
from viz.stream.hub import Hub


@pytest.fixture(scope="module")
async def site_database(module_database: TestServer, http_clock: ManualClock) -> AsyncIterator[Database]:
    opened = Database(module_database.app_dsn, http_clock, Ids.unguessable(http_clock))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def site(site_database: Database, desk: AppDesk, http_clock: ManualClock) -> LivingSite:
    """`site-a`, with its layout and devices."""
    return await LivingSite(site_database, desk, http_clock, "a").build()


class Stream:
    """A page that listens: keeps every frame, and waits for one that answers a question."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self.poses: list[tuple[int, list[Pose]]] = []
        self._heard = asyncio.Condition()
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        with suppress(websockets.ConnectionClosed):
            async for message in self.socket:
                async with self._heard:
                    if isinstance(message, bytes):
                        self.poses.append(decode_frame(message))
                    else:
                        self.frames.append(json.loads(message))
                    self._heard.notify_all()

    async def until(self, found: Callable[[], Any]) -> Any:
        """The first answer of `found` that is not empty; fails after half a minute."""
        async with asyncio.timeout(30), self._heard:
            await self._heard.wait_for(lambda: bool(found()))
        return found()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]

    async def first(self, kind: str, so: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The first frame of a kind that is so."""
        [frame, *_] = await self.until(lambda: [frame for frame in self.of(kind) if so(frame)])
        return frame

    async def unit(self, unit_id: str, so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The newest state of a unit, once it is so."""

        def found() -> dict[str, Any] | None:
            states = [unit for frame in self.of("units") for unit in frame["units"]]
            mine = [unit for unit in states if unit["unit_id"] == unit_id]
            return mine[-1] if mine and so(mine[-1]) else None

        return await self.until(found)

    async def closed(self) -> int:
        """The code with which the server let this page go."""
        async with asyncio.timeout(30):
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code


Open = Callable[..., AbstractAsyncContextManager[Stream]]


@pytest.fixture(scope="module")
async def stream_address(
    site_database: Database, module_database: TestServer, desk: AppDesk
) -> AsyncIterator[str]:
    """The application on a real socket, with the hub woken as in the product."""
    wake = Wake(module_database.app_dsn)
    app = create_app(desk, ROUTERS, pages=None, texts=Texts.load())
    app.state.hub = Hub(site_database, wake)
    server = WebServer(app, bind("127.0.0.1", 0), None, 2)
    async with Tasks() as tasks:
        tasks.start("wake", wake.run)
        await server.start()
        yield f"127.0.0.1:{server.port}"
        await server.stop()


@pytest.fixture(scope="module")
async def open_stream(stream_address: str, site: LivingSite) -> Open:
    """`async with open_stream(client) as stream`: the live stream of `site-a` in a client's session."""

    @asynccontextmanager
    async def opened(
        client: Client | None, query: str = "", *, site_id: str = site.site_id, origin: str = ""
    ) -> AsyncIterator[Stream]:
        cookie = client.cookies.get(SESSION_COOKIE) if client else "none"
        address = f"ws://{stream_address}/api/v1/sites/{site_id}/stream{query}"
        headers = {"Cookie": f"{SESSION_COOKIE}={cookie}", "Origin": origin or f"http://{stream_address}"}
        async with websockets.connect(address, additional_headers=headers, proxy=None) as socket:
            stream = Stream(socket)
            yield stream
        await stream.listening

    return opened
