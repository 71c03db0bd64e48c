"""Helpers for tests on real sockets: reading a driver with a bound, and a Modbus peer without a library."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from kernel.clock import ManualClock

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


@asynccontextmanager
async def ticking(clock: ManualClock) -> AsyncIterator[None]:
    """Time goes by in the block, about ten times as fast as it does."""

    async def tick() -> None:
        while True:
            clock.advance(0.05)
            await asyncio.sleep(0.005)

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds, within a bound."""
    async with asyncio.timeout(WITHIN_S):
        while not holds():
            await asyncio.sleep(0.005)


class ModbusPeer:
    """A Modbus device made of a table: request PDU to answer PDU, both as in the specification.

    Speaks the frames by itself, so that neither end of the test is the library that the other end uses:
    the MBAP header (transaction, protocol 0, length, unit), or with `rtu` the unit, the PDU and its CRC. An
    unknown request is answered with exception 2.
    """

    def __init__(self, answers: Mapping[bytes, bytes], *, rtu: bool = False) -> None:
        self.answers = dict(answers)
        self.requests: list[bytes] = []
        self.units: list[int] = []
        self.connection_count = 0
        self.spoil: Callable[[bytes], bytes] = bytes
        """What the line makes of an answer's frame."""
        self._serve_one = self._serve_rtu if rtu else self._serve_tcp
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
        self.connection_count += 1
        try:
            while True:
                await self._serve_one(reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transaction, protocol, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
        assert protocol == 0
        answer = self._answer(unit, await reader.readexactly(length - 1))
        writer.write(self.spoil(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer))

    async def _serve_rtu(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Only requests of a fixed length: functions 1 to 6."""
        frame = await reader.readexactly(8)
        assert frame[6:] == crc16(frame[:6])
        answer = frame[:1] + self._answer(frame[0], frame[1:6])
        writer.write(self.spoil(answer + crc16(answer)))

    def _answer(self, unit: int, pdu: bytes) -> bytes:
        self.requests.append(pdu)
        self.units.append(unit)
        return self.answers.get(pdu, bytes([pdu[0] | 0x80, 2]))


def crc16(data: bytes) -> bytes:
    """The check of a serial Modbus frame, low byte first (MODBUS over Serial Line V1.02, appendix B)."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "little")
