"""Helpers for tests on real sockets: reading a driver with a bound, and a Modbus peer without a library."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, Self

WITHIN_S = 20.0


class Collected:
    """What an async iterator gave so far; reads on until a condition holds, within a bound.

    Iterates in a task of its own, so that a driver goes on polling while the test does something else.
    """

    def __init__(self, items: AsyncIterator[Any]) -> None:
        self.seen: list[Any] = []
        self._items = items
        self._grown = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

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
        async for item in self._items:
            self.seen.append(item)
            async with self._grown:
                self._grown.notify_all()

    async def until(self, is_wanted: Callable[[Any], bool], count: int = 1) -> list[Any]:
        """The items for which `is_wanted` holds, once there are `count` of them."""

        def wanted() -> list[Any]:
            return [item for item in self.seen if is_wanted(item)]

        async with asyncio.timeout(WITHIN_S), self._grown:
            await self._grown.wait_for(lambda: len(wanted()) >= count)
        return wanted()


class ModbusPeer:
    """A Modbus TCP device made of a table: request PDU to answer PDU, both as in the specification.

    Speaks the MBAP header by itself (transaction, protocol 0, length, unit), so that neither end of the
    test is the library that the other end uses. An unknown request is answered with exception 2.
    """

    def __init__(self, answers: Mapping[bytes, bytes]) -> None:
        self.answers = dict(answers)
        self.requests: list[bytes] = []
        self.units: list[int] = []
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                transaction, protocol, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                assert protocol == 0
                pdu = await reader.readexactly(length - 1)
                self.requests.append(pdu)
                self.units.append(unit)
                answer = self.answers.get(pdu, bytes([pdu[0] | 0x80, 2]))
                writer.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
