"""Fake devices that take TCP connections, each with a conversation of its own."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self
from weakref import WeakSet

from kernel.clock import Clock

TURN_S = 0.005
"""How often a conversation looks at the clock for what is due."""


class Conversation(Protocol):
    """One connection, sans-I/O."""

    def receive(self, data: bytes, now: datetime) -> bytes: ...

    def due(self, now: datetime) -> bytes: ...


class ConversationServer:
    """An async context manager around a server that begins a conversation with each connection."""

    def __init__(
        self, clock: Clock, begin: Callable[[], Conversation], *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._clock = clock
        self._begin = begin
        self._address = host, port
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Future[None]] = {}
        self.spoil: Callable[[bytes], bytes] = bytes
        """What the line makes of what is sent."""
        self.connection_count = 0

    @property
    def host(self) -> str:
        return self._address[0]

    @property
    def port(self) -> int:
        """The port listened on; a free one when 0 was asked for, kept over `cut` and `mend`."""
        return self._address[1]

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def mend(self) -> None:
        """Listen (again)."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, *self._address)
            self._address = self.host, self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Cut the line: every connection ends and none is taken."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for writer in self._open:
                writer.close()
            await asyncio.gather(*self._open.values())
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = self._open[writer] = asyncio.get_running_loop().create_future()
        self.connection_count += 1
        conversation = self._begin()
        listening = asyncio.create_task(self._listen(conversation, reader, writer))
        try:
            while not listening.done() and not writer.is_closing():
                self._send(writer, conversation.due(self._clock.now()))
                await writer.drain()
                await asyncio.wait([listening], timeout=TURN_S)
        except ConnectionError:
            pass
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            writer.close()
            del self._open[writer]
            ended.set_result(None)

    async def _listen(
        self, conversation: Conversation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while not writer.is_closing() and (data := await reader.read(4096)):
            self._send(writer, conversation.receive(data, self._clock.now()))

    def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if data:
            writer.write(self.spoil(data))


class _Listening:
    """Hears what is said from now on, and says nothing back."""

    def __init__(self) -> None:
        self.unsent = b""

    def receive(self, _data: bytes, _now: datetime) -> bytes:
        return b""

    def due(self, _now: datetime) -> bytes:
        unsent, self.unsent = self.unsent, b""
        return unsent


class SpeakingServer(ConversationServer):
    """Says the same to whoever listens, as a serial line does; what nobody hears is gone."""

    def __init__(self, clock: Clock, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listening: WeakSet[_Listening] = WeakSet()
        """Those whose connection has ended are forgotten with it."""
        super().__init__(clock, self._listen_to, host=host, port=port)

    def _listen_to(self) -> _Listening:
        listening = _Listening()
        self._listening.add(listening)
        return listening

    def say(self, data: bytes) -> None:
        for listening in self._listening:
            listening.unsent += data
