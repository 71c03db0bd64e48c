"""A line that can be cut: TCP passed on byte by byte, or not any more."""

import asyncio
from contextlib import suppress
from typing import Self

CHUNK_BYTES = 65_536


class CuttableLine:
    """Listens on a port of this machine and passes on to another.

    A cut is silent, as of a line over land: nothing arrives and nobody is told, whoever dials waits. When it
    is mended, what stood in the cut is torn down, and new connections come through.
    """

    def __init__(self, host: str, port: int) -> None:
        self._to = host, port
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._whole = asyncio.Event()
        self._whole.set()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None, "enter the line first"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._tear_down()

    def cut(self) -> None:
        """From now on nothing passes."""
        self._whole.clear()

    async def mend(self) -> None:
        """Tear down what stood in the cut and pass on again."""
        await self._tear_down()
        self._whole.set()

    async def _tear_down(self) -> None:
        passing = list(self._passing)
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)

    def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._join(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward: asyncio.StreamWriter | None = None
        try:
            await self._whole.wait()
            back, onward = await asyncio.open_connection(*self._to)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, onward))
                group.create_task(self._pass_on(back, writer))
        except* OSError:
            pass  # One end is gone: so is the connection.
        finally:
            for end in (writer, onward):
                if end is not None:
                    end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one end closes; what comes in a cut is held for ever."""
        while data := await reader.read(CHUNK_BYTES):
            await self._whole.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.close()
