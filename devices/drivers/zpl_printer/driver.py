"""Watches a ZPL printer and prints pallet labels, each confirmed by the printer's own count.

The printer numbers nothing and tells no time, so the driver does: `boot` is given and must grow with each
start. It says one thing at a time, so what it is asked stands in line.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Self

from devices.drivers.zpl_printer.codec import (
    ASK_STATUS,
    CANCEL_ALL,
    TROUBLES,
    Answer,
    Answers,
    Status,
    ask_object,
    ask_value,
    decode_count,
    decode_status,
    has_object,
)
from devices.drivers.zpl_printer.label import Medium, pallet_label
from devices.transport.decoding import FieldRejected
from devices.transport.errands import Errands
from devices.transport.limit import Limit
from devices.transport.numbering import Numbered
from devices.transport.orders import Order
from devices.transport.presence import BACKOFF_S, Presence
from devices.transport.tcp import LinkLost, TcpLink
from kernel.clock import Clock
from kernel.messages import DeviceStatus, LabelPrinted, Observation, Rejected

POLL_MS: Final = 2_000
PRINT_S: Final = 15.0
"""A label takes two or three seconds; past this it is not waited for."""
LOOK_S: Final = 0.25
"""How often a printer at work is looked at."""
ANSWER_S_MAX: Final = 2.0
QUIET_LOOKS: Final = 4
"""Without a count: so many looks in a row at an empty buffer count as printed."""
ANSWERS_PER_S_MAX: Final = 100
STRINGS: Final = 3
COUNTER: Final = "odometer.total_label_count"
TOO_FAST: Final = f"more than {ANSWERS_PER_S_MAX} answers a second; the rest is not read"
SILENT: Final = "it takes the connection and is silent: perhaps without labels, or with an open head"

Item = Observation | Rejected


class ZplPrinterDriver:
    """An async context manager with one async iterator, `readings()`, and the order `print_label`.

    `counter` is the printer's variable that counts labels; empty, or unknown to the printer, and an empty
    buffer is all that confirms. Raises ValueError for settings that cannot be.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        clock: Clock,
        boot: int,
        *,
        port: int = 9100,
        dots_per_mm: int = 8,
        width_mm: int = 100,
        height_mm: int = 150,
        font: str = "",
        counter: str = COUNTER,
        poll_ms: int = POLL_MS,
        print_s: float = PRINT_S,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if poll_ms <= 0 or print_s <= 0:
            raise ValueError("poll_ms and print_s must be positive")
        self._medium = Medium(dots_per_mm=dots_per_mm, width_mm=width_mm, height_mm=height_mm, font=font)
        self._counter = counter
        self._poll_s = poll_ms / 1000
        self._print_s = print_s
        self._clock = clock
        self._link = TcpLink(host, port)
        self._cut = Answers()
        self._heard: deque[Answer] = deque()
        self._has_font = not font
        self._said: list[Item] = []
        """What came up while something was waited for; told with the next item."""
        self._numbered = Numbered(device_id, boot, clock)
        self._presence = Presence(clock.now(), backoff_s)
        self._limit = Limit(ANSWERS_PER_S_MAX)
        self._errands = Errands()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    async def command(self, order: Order) -> str | None:
        """Print a label; None once the printer has counted it, else why not. Carried out by `readings()`,
        where it is also told."""
        return await self._errands.ask(order)

    async def readings(self) -> AsyncIterator[Item]:
        """Every label, every statement and every malformed answer, until the driver is left."""
        while True:
            try:
                while True:
                    await self._look()
                    await self._errands.carry_out(self._print)
                    for item in self._told():
                        yield item
                    await self._errands.pause(self._poll_s)
            except LinkLost as error:
                self._hang_up()
                self._state(self._presence.lost(str(error)))
                for item in self._told():
                    yield item
                await asyncio.sleep(self._presence.wait_s)

    def _hang_up(self) -> None:
        self._link.close()
        self._cut = Answers()
        self._heard.clear()
        self._has_font = not self._medium.font

    async def _look(self) -> Status | None:
        """The printer's state, told when it changes; None for an answer that cannot be."""
        status = await self._status()
        self._state(self._presence.heard(self._clock.now()))
        if status is not None:
            too_fast = TOO_FAST if self._limit.is_exceeded else ""
            self._state(self._presence.troubled(TROUBLES[status.trouble] if status.trouble else too_fast))
        return status

    # --- printing ----------------------------------------------------------------------------------

    async def _print(self, order: Order) -> str | None:
        """Print, and tell what became of it. Raises LinkLost; what may have been printed is `unconfirmed`."""
        try:
            label = pallet_label(order.parameters, self._medium)
        except FieldRejected:
            return self._report(order, "refused", b"")
        status = await self._look()
        if status is None or status.trouble is not None:
            return self._report(order, status.trouble if status else "refused", b"")
        if not await self._knows_font():
            return self._report(order, "no_font", b"")
        before = await self._count()
        try:
            await self._link.send(label)
            return self._report(order, await self._until_printed(before), label)
        except LinkLost as error:
            # The order ends here, and the lost line shows at the next look.
            self._report(order, "unconfirmed", label)
            self._hang_up()
            self._state(self._presence.lost(str(error)))
            return "unconfirmed"

    async def _until_printed(self, before: int | None) -> str | None:
        """Wait for the count; what fails is taken out of the printer, so that it does not come out later."""
        loop, quiet = asyncio.get_running_loop(), 0
        until_s = loop.time() + self._print_s
        while True:
            await asyncio.sleep(LOOK_S)
            status = await self._look()
            after = None if before is None else await self._count()
            if before is not None and after is not None and after > before:
                return None
            quiet = quiet + 1 if status is not None and status.waiting_count == 0 else 0
            trouble = None if status is None else status.trouble
            if before is None and trouble is None and quiet >= QUIET_LOOKS:
                return None
            if trouble is not None or loop.time() > until_s:
                await self._link.send(CANCEL_ALL)
                return trouble or "feedback"

    async def _knows_font(self) -> bool:
        """Whether the printer has the font for Chinese: without it, it would print boxes and say nothing."""
        if not self._has_font:
            listing = await self._ask(ask_object(self._medium.font), "text", 1)
            self._has_font = has_object(listing[0], self._medium.font.rpartition(":")[2])
        return self._has_font

    async def _count(self) -> int | None:
        """How many labels the printer has printed; None when it does not say."""
        if not self._counter:
            return None
        [value] = await self._ask(ask_value(self._counter), "value", 1)
        try:
            return decode_count(value)
        except FieldRejected as error:
            self._said += self._numbered.rejected(error, value)
            return None

    def _report(self, order: Order, failure: str | None, label: bytes) -> str | None:
        printed = LabelPrinted(job_id=order.command_id, is_done=failure is None, reason=failure or "")
        self._said.append(self._numbered.observation(printed, raw=label))
        return failure

    # --- conversation ------------------------------------------------------------------------------

    async def _status(self) -> Status | None:
        strings = await self._ask(ASK_STATUS, "text", STRINGS)
        try:
            status = decode_status(strings)
        except FieldRejected as error:
            self._said += self._numbered.rejected(error, b"\n".join(strings))
            return None
        self._numbered.well_formed()
        return status

    async def _ask(self, question: bytes, kind: str, count: int) -> list[bytes]:
        """Ask, and wait for so many answers of a kind. What was heard before the question belongs to none."""
        self._heard.clear()
        await self._link.send(question)
        loop, found = asyncio.get_running_loop(), list[bytes]()
        until_s = loop.time() + ANSWER_S_MAX
        while len(found) < count:
            while self._heard and len(found) < count:
                answer = self._heard.popleft()
                found += [answer.content] if answer.kind == kind else []
            if len(found) < count:
                self._take(await self._read(until_s - loop.time()))
        return found

    async def _read(self, within_s: float) -> bytes:
        try:
            return await self._link.read(max(0.0, within_s))
        except LinkLost as error:
            is_silent = isinstance(error.__cause__, TimeoutError)
            raise LinkLost(SILENT) if is_silent else error from error

    def _take(self, data: bytes) -> None:
        for found in self._cut.feed(data):
            if not self._limit.admits(self._clock.now()):
                continue
            if isinstance(found, Answer):
                self._heard.append(found)
            else:
                raw, error = found
                self._said += self._numbered.rejected(error, raw)

    def _state(self, statuses: Sequence[DeviceStatus]) -> None:
        self._said += [self._numbered.observation(status) for status in statuses]

    def _told(self) -> list[Item]:
        said, self._said = self._said, []
        return said
