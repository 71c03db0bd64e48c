"""A terminal on a vehicle: registers once, shows its code each time it dials, and keeps what was not
answered.

Reports go out live while there is a line. What was not answered before a cut is sent again as stored
positions (0704, blind spot), in the very bytes it had, before anything new.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Self

from kernel.clock import Clock
from simulators.protocols.jt808.frames import (
    NO_EXTRAS,
    Answer,
    Fix,
    answers,
    authentication,
    batch,
    location,
    message,
    registration,
)

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
ANSWER_S_MAX = 10.0
"""How long the terminal waits for what it cannot go on without."""
BATCH_REPORTS_MAX = 30
KEPT_REPORTS_MAX = 100_000
READ_BYTES = 4_096


class Jt808Terminal:
    """An async context manager; `report` may be called at any time, connected or not.

    `code` is what an earlier registration left; without one it registers. `split_at` splits what is longer.
    """

    def __init__(
        self,
        host: str,
        port: int,
        number: str,
        clock: Clock,
        *,
        is_2019: bool = False,
        code: str = "",
        split_at: int = 0,
        answer_s_max: float = ANSWER_S_MAX,
    ) -> None:
        self._address = host, port
        self.number = number
        self._clock = clock
        self._is_2019 = is_2019
        self._split_at = split_at
        self._answer_s_max = answer_s_max
        self._serial = 0
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        """Reports by the order they were made."""
        self._made = 0
        self._sent: dict[int, list[int]] = {}
        """By serial, which reports wait for its answer."""
        self._frames: dict[int, bytes] = {}
        """Parts of split messages by serial, until they are answered."""
        self._news = asyncio.Event()
        self._changed = asyncio.Condition()
        self._line = asyncio.Event()
        self._line.set()
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self.code = code
        self.connect_count = 0
        self.register_results: list[int] = []
        self.authenticate_results: list[int] = []
        self.results: list[int] = []
        """Of the general replies to reports and heartbeats."""
        self.parts_asked_again = 0

    @property
    def pending_count(self) -> int:
        """Reports that were not answered yet."""
        return len(self._kept)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"terminal {self.number}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def report(self, fix: Fix, at: datetime | None = None, extras: Mapping[int, bytes] = NO_EXTRAS) -> None:
        """Note where the vehicle is (now, or `at`); it is sent when it can be."""
        self._made += 1
        self._kept[self._made] = location(at or self._clock.now(), fix, extras)
        if len(self._kept) > KEPT_REPORTS_MAX:
            self._kept.popitem(last=False)
        self._news.set()

    def beat(self) -> None:
        """A heartbeat, while there is a line."""
        if self._writer is not None:
            self._send(0x0002, b"")

    def cut(self) -> None:
        """The line is gone until `mend`."""
        self._line.clear()
        if self._writer is not None:
            self._writer.transport.abort()

    def mend(self) -> None:
        self._line.set()

    async def settled(self, within_s: float) -> None:
        """Wait until everything reported was answered. Raises TimeoutError."""
        await self.until(lambda: not self._kept, within_s)

    async def until(self, holds: Callable[[], object], within_s: float) -> None:
        """Wait for what the product's answers bring about. Raises TimeoutError."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(holds)

    # --- connection ------------------------------------------------------------------------------

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._line.wait()
            try:
                await self._connected()
            except OSError:
                failures += 1
            else:
                failures = 0
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])

    async def _connected(self) -> None:
        reader, self._writer = await asyncio.open_connection(*self._address)
        self._sent.clear()
        try:
            self.connect_count += 1
            line = _Line(reader)
            if await self._admitted(line):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._report_on())
                    group.create_task(self._hear(line))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            self._writer.close()
            self._writer = None

    async def _admitted(self, line: "_Line") -> bool:
        """Register when there is no code yet, then authenticate."""
        if not self.code:
            self._send(0x0100, registration("京A12345", is_2019=self._is_2019))
            answer = await self._await(line, 0x8100)
            self.register_results.append(answer.body[2])
            await self._tell()
            if answer.body[2] != 0:
                return False
            self.code = answer.body[3:].decode()
        imei = self.number.rjust(15, "0")
        self._send(0x0102, authentication(self.code, imei, is_2019=self._is_2019))
        answer = await self._await(line, 0x8001)
        self.authenticate_results.append(answer.body[4])
        await self._tell()
        return answer.body[4] == 0

    async def _await(self, line: "_Line", message_id: int) -> Answer:
        async with asyncio.timeout(self._answer_s_max):
            while True:
                for answer in await line.answers():
                    if answer.message_id == message_id:
                        return answer

    async def _report_on(self) -> None:
        """Stored reports first, in batches; then live ones, one by one."""
        old = list(self._kept)
        for start in range(0, len(old), BATCH_REPORTS_MAX):
            part = old[start : start + BATCH_REPORTS_MAX]
            self._send(0x0704, batch([self._kept[number] for number in part]), part)
        through = old[-1] if old else self._made
        while True:
            for number in [number for number in self._kept if number > through]:
                self._send(0x0200, self._kept[number], [number])
                through = number
            self._news.clear()
            await self._news.wait()

    def _send(self, message_id: int, body: bytes, reports: Sequence[int] = ()) -> None:
        assert self._writer is not None
        frames = message(
            message_id,
            self.number,
            self._serial,
            body,
            is_2019=self._is_2019,
            split_at=self._split_at if message_id == 0x0704 else 0,
        )
        if reports:
            self._sent[(self._serial + len(frames) - 1) & 0xFFFF] = list(reports)
        for frame in frames:
            if len(frames) > 1:
                self._frames[self._serial] = frame
            self._serial = (self._serial + 1) & 0xFFFF
            self._writer.write(frame)

    async def _hear(self, line: "_Line") -> None:
        while True:
            for answer in await line.answers():
                if answer.message_id == 0x8001:
                    self._answered(answer)
                elif answer.message_id == 0x8003:
                    self._send_again(answer)
            await self._tell()

    def _answered(self, answer: Answer) -> None:
        """Whatever the result, the product has it: only silence has a report sent again."""
        serial = int.from_bytes(answer.body[:2], "big")
        self.results.append(answer.body[4])
        self._frames.pop(serial, None)
        for number in self._sent.pop(serial, []):
            self._kept.pop(number, None)

    def _send_again(self, answer: Answer) -> None:
        assert self._writer is not None
        first, rest = int.from_bytes(answer.body[:2], "big"), answer.body[4 if self._is_2019 else 3 :]
        for start in range(0, len(rest), 2):
            part = int.from_bytes(rest[start : start + 2], "big")
            self.parts_asked_again += 1
            self._writer.write(self._frames[(first + part - 1) & 0xFFFF])

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class _Line:
    """The product's answers, as they come."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._rest = b""

    async def answers(self) -> list[Answer]:
        data = await self._reader.read(READ_BYTES)
        if not data:
            raise ConnectionResetError("the product closed the connection")
        found, self._rest = answers(self._rest + data)
        return found
