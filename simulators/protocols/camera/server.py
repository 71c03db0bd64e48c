"""Cameras on the wire: a web server with a stream and a picture, and an RTSP server."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from kernel.clock import Clock
from simulators.protocols.camera.exposure import ORDINARY, Exposure, Negative
from simulators.protocols.camera.frames import (
    BOUNDARY,
    Account,
    Gallery,
    HttpConversation,
    RtspConversation,
    part,
)
from simulators.protocols.camera.painter import Painter
from simulators.protocols.camera.scene import Scene
from simulators.protocols.connections import ConversationServer


class HttpCamera(ConversationServer):
    """`http://host:port/stream` and `/picture`; `show` is what it sees."""

    def __init__(
        self,
        clock: Clock,
        *,
        account: Account | None = None,
        make_part: Callable[[bytes], bytes] = part,
        content_type: str = f"multipart/x-mixed-replace; boundary={BOUNDARY}",
    ) -> None:
        self.gallery = Gallery()
        super().__init__(
            clock,
            lambda: HttpConversation(self.gallery, account, make_part=make_part, content_type=content_type),
        )

    def show(self, jpeg: bytes) -> None:
        """The next picture."""
        self.gallery.show(jpeg)

    def url(self, path: str = "stream") -> str:
        return f"http://{self.host}:{self.port}/{path}"


class RtspCamera(ConversationServer):
    """`rtsp://host:port/stream`. Pictures are multiples of eight pixels wide and high."""

    def __init__(self, clock: Clock, *, account: Account | None = None) -> None:
        self.gallery = Gallery()
        super().__init__(clock, lambda: RtspConversation(self.gallery, account))

    def show(self, jpeg: bytes) -> None:
        """The next picture."""
        self.gallery.show(jpeg)

    @property
    def url(self) -> str:
        return f"rtsp://{self.host}:{self.port}/stream"


class Feed:
    """An async context manager that shows a camera's scene over and over, each picture with noise of its own.

    The scene is painted when it is set; what shows it is told by `show`.
    """

    def __init__(
        self,
        painter: Painter | None,
        show: Callable[[bytes], None],
        every_s: float,
        exposure: Exposure = ORDINARY,
    ) -> None:
        self._painter, self._show, self._every_s = painter, show, every_s
        self.exposure = exposure
        self.is_frozen = False
        """A camera whose sensor hangs sends its last picture over and over."""
        self._negative: Negative | None = None
        self._count = 0
        self._last = b""
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of(
        cls,
        negative: Negative,
        show: Callable[[bytes], None],
        every_s: float,
        exposure: Exposure = ORDINARY,
    ) -> Self:
        """The feed of a scene that was painted before and stays."""
        feed = cls(None, show, every_s, exposure)
        feed._negative = negative
        return feed

    async def set(self, scene: Scene) -> None:
        """What stands before the camera from now on."""
        assert self._painter is not None
        self._negative = Negative(await self._painter.paint(scene))

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            negative = self._negative
            if negative is not None and not (self.is_frozen and self._last):
                self._count += 1
                self._last = await asyncio.to_thread(negative.exposed, self._count, self.exposure)
            if self._last:
                self._show(self._last)
            await asyncio.sleep(self._every_s)
