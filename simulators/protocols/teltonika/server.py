"""A terminal on a vehicle: dials the product and forgets a record only when the answer counts it.

The product is the server here; the terminal keeps what was not taken through any cut and sends it again,
oldest first, in the very bytes it had.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Self

from kernel.clock import Clock
from simulators.protocols.teltonika.frames import (
    NO_ELEMENTS,
    RECORDS_MAX,
    Codec,
    Fix,
    login,
    packet,
    record,
)

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
ANSWER_S_MAX = 10.0
"""How long a terminal waits for an answer before it dials again."""
KEPT_RECORDS_MAX = 100_000


class TeltonikaTerminal:
    """An async context manager; `report` may be called at any time, connected or not."""

    def __init__(
        self,
        host: str,
        port: int,
        imei: str,
        clock: Clock,
        *,
        codec: Codec = 0x8E,
        answer_s_max: float = ANSWER_S_MAX,
    ) -> None:
        self._address = host, port
        self.imei = imei
        self._clock = clock
        self._codec = codec
        self._answer_s_max = answer_s_max
        self._kept: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._changed = asyncio.Condition()
        self._line = asyncio.Event()
        self._line.set()
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self.taken_count = 0
        self.connect_count = 0
        self.refused_count = 0
        """How often it was not admitted."""

    @property
    def pending_count(self) -> int:
        """Records that the product has not counted yet."""
        return len(self._kept)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"terminal {self.imei}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def report(
        self,
        fix: Fix,
        at: datetime | None = None,
        *,
        priority: int = 0,
        elements: Mapping[int, bytes] = NO_ELEMENTS,
    ) -> None:
        """Note where the vehicle is (now, or `at`); it is sent when it can be."""
        if len(self._kept) == KEPT_RECORDS_MAX:
            self._kept.popleft()
        moment = at or self._clock.now()
        self._kept.append(record(moment, fix, priority=priority, elements=elements, codec=self._codec))
        self._news.set()

    def cut(self) -> None:
        """The line is gone until `mend`."""
        self._line.clear()
        if self._writer is not None:
            self._writer.transport.abort()

    def mend(self) -> None:
        self._line.set()

    async def settled(self, within_s: float) -> None:
        """Wait until everything reported was taken. Raises TimeoutError."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: not self._kept)

    async def refused(self, within_s: float) -> None:
        """Wait until it was turned away once. Raises TimeoutError."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: self.refused_count > 0)

    # --- connection ------------------------------------------------------------------------------

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._line.wait()
            try:
                await self._connected()
            except (OSError, asyncio.IncompleteReadError):
                failures += 1
            else:
                failures = 0
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])

    async def _connected(self) -> None:
        reader, writer = await asyncio.open_connection(*self._address)
        self._writer = writer
        try:
            self.connect_count += 1
            writer.write(login(self.imei))
            if await self._answer(reader, 1) != b"\x01":
                self.refused_count += 1
                await self._tell()
                return
            while True:
                await self._send(reader, writer)
        finally:
            self._writer = None
            writer.close()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One packet and its answer. A count that differs has the same records sent again."""
        while not self._kept:
            self._news.clear()
            await self._news.wait()
        batch = list(self._kept)[:RECORDS_MAX]
        writer.write(packet(batch, self._codec))
        await writer.drain()
        if int.from_bytes(await self._answer(reader, 4), "big") == len(batch):
            for _ in batch:
                self._kept.popleft()
            self.taken_count += len(batch)
            await self._tell()

    async def _answer(self, reader: asyncio.StreamReader, size: int) -> bytes:
        async with asyncio.timeout(self._answer_s_max):
            return await reader.readexactly(size)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
