"""Has scenes painted in a process of its own: VTK takes seconds to load, holds OpenGL, and ends the whole
process where there is none."""

import asyncio
import os
import sys
from types import TracebackType
from typing import Final, Self

import msgspec

from simulators.protocols.camera.scene import Scene

PAINT_S_MAX: Final = 60.0
"""The first picture loads VTK and compiles shaders."""
PICTURE_BYTES_MAX: Final = 16_777_216


class NoPicture(Exception):
    """The painter is gone: most likely there is no OpenGL on this machine (libegl1, libegl-mesa0)."""


class Painter:
    """An async context manager around the process that paints; `paint` one picture at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        windows = {"VTK_DEFAULT_OPENGL_WINDOW": "vtkEGLRenderWindow"}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "simulators.protocols.camera.painting"),
            stdin=pipe,
            stdout=pipe,
            env={**windows, **os.environ},
            limit=PICTURE_BYTES_MAX,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()

    async def paint(self, scene: Scene) -> bytes:
        """The scene as it is, a PNG without light and noise of its own. Raises NoPicture."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        body = msgspec.msgpack.encode(scene)
        async with self._turn:
            try:
                process.stdin.write(len(body).to_bytes(4, "big") + body)
                await process.stdin.drain()
                async with asyncio.timeout(PAINT_S_MAX):
                    size = int.from_bytes(await process.stdout.readexactly(4), "big")
                    return await process.stdout.readexactly(size)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                raise NoPicture(str(error)) from error
