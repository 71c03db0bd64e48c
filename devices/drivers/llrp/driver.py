"""Keeps one RFID reader connected and numbers what it hears.

The reader numbers nothing, so the driver does: `boot` is given and must grow with each start of the driver,
`sequence` counts from 1 over tag reads, beams and status alike. Nothing is dropped: when the consumer is slow
the socket is left unread and TCP makes the reader wait.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Final, Literal, Self

from devices.drivers.llrp.framing import FrameRejected
from devices.drivers.llrp.requests import RoSpec
from devices.drivers.llrp.session import (
    Ended,
    Happening,
    InputChanged,
    LlrpSession,
    Noticed,
    Ready,
    TagHeard,
)
from devices.transport.presence import STATED_EVERY
from kernel.clock import Clock
from kernel.messages import BeamState, DeviceStatus, Observation, Rejected, TagRead

PORT: Final = 5084
"""LLRP without TLS, as registered with IANA."""

KEEPALIVE_MS: Final = 5_000
SILENT_PERIODS_MAX: Final = 3
"""So many periods without a KEEPALIVE and the connection counts as lost."""

CONNECT_S_MAX: Final = 5.0
HANDSHAKE_S_MAX: Final = 15.0
GOODBYE_S_MAX: Final = 1.0
BACKOFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Waits before each attempt after a failed one; the last repeats for ever."""

QUEUE_ITEMS_MAX: Final = 1_000
"""Items decoded but not yet taken by the consumer. Past it the socket is not read."""
READINGS_PER_S_MAX: Final = 2_000
"""The air interface gives about 1,100 tags in a second."""

_READ_BYTES: Final = 65_536

Item = Observation | Rejected


class LlrpDriver:
    """An async context manager with one async iterator, `readings()`.

    `antennas` are the reader's antenna ids to inventory (1 to 65535). `beam_inputs` are its general purpose
    inputs that light beams across the lane are wired to; a broken beam is a high input, or a low one where
    `beam_broken_is_high` is false. A reader that is away, busy or wrongly
    set up raises nothing: it is stated as a DeviceStatus `offline` or `fault` once, tried again with a
    bounded back-off, and stated once as `gap` (with the seconds unheard) and `online` when it is back.
    Raises ValueError at construction for antennas or times that cannot be.
    """

    def __init__(
        self,
        device_id: str,
        host: str,
        port: int,
        clock: Clock,
        boot: int,
        antennas: Sequence[int],
        keepalive_ms: int = KEEPALIVE_MS,
        *,
        gen2_session: int = 1,
        report_every_tags: int = 1,
        beam_inputs: Sequence[int],
        beam_broken_is_high: bool = True,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        if keepalive_ms <= 0 or not backoff_s:
            raise ValueError("keepalive_ms must be positive and backoff_s must not be empty")
        self._device_id = device_id
        self._address = host, port
        self._clock = clock
        self._boot = boot
        self._rospec = RoSpec(
            antennas=tuple(antennas), gen2_session=gen2_session, report_every_tags=report_every_tags
        )
        self._keepalive_ms = keepalive_ms
        self._beam_inputs = tuple(beam_inputs)
        self._beam_broken_is_high = beam_broken_is_high
        self._asks_versions = True
        self._backoff_s = tuple(backoff_s)
        self._sequence = 0
        self._failures = 0
        self._heard_at = self._stated_at = clock.now()
        self._stated: tuple[Literal["online", "offline", "gap", "fault"], str] = ("online", "")
        self._trouble: Literal["offline", "fault"] | None = None
        self._mailbox = _Mailbox()
        self._task: asyncio.Task[None] | None = None
        self.skipped_count = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"llrp {self._device_id}")
        self._task.add_done_callback(lambda _: self._mailbox.close())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def readings(self) -> AsyncIterator[Item]:
        """Every observation and every rejected frame, in the order they came, until the driver is left.

        Raises only what is a defect of the driver itself.
        """
        assert self._task is not None, "enter the driver first"
        while (item := await self._mailbox.take()) is not None:
            yield item
        if not self._task.cancelled():
            self._task.result()

    # --- connection ------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            asked_versions = self._asks_versions
            ended = await self._connect()
            if asked_versions and not self._asks_versions:
                # Some readers of 1.0.1 hang up on the question, or never answer it. A reader serves only one
                # client, and needs a moment to see that it is gone.
                await asyncio.sleep(self._backoff_s[0])
                continue
            await self._state_trouble(ended)
            await asyncio.sleep(self._wait_s(ended))

    def _wait_s(self, ended: Ended) -> float:
        longest_s = self._backoff_s[-1]
        if ended.kind == "refused":
            return longest_s
        if ended.retry_after_s is not None:
            return min(ended.retry_after_s, longest_s)
        wait_s = self._backoff_s[min(self._failures, len(self._backoff_s) - 1)]
        self._failures += 1
        return wait_s

    async def _connect(self) -> Ended:
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                reader, writer = await asyncio.open_connection(*self._address)
        except OSError as error:
            return Ended("lost", f"cannot connect: {error or 'no answer in time'}")
        session = LlrpSession(
            self._rospec, self._keepalive_ms, self._beam_inputs, asks_versions=self._asks_versions
        )
        try:
            return await self._converse(session, reader, writer)
        except OSError as error:
            return Ended("lost", f"the connection failed: {error}")
        except asyncio.CancelledError:
            await _say_goodbye(session, reader, writer)
            raise
        finally:
            self._asks_versions = self._asks_versions and not session.is_negotiating
            self.skipped_count += session.skipped_messages + session.skipped_parameters
            writer.close()

    async def _converse(
        self, session: LlrpSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Ended:
        loop = asyncio.get_running_loop()
        # Only time spent waiting for the reader counts: a slow consumer must not look like a silent reader.
        patience_s = HANDSHAKE_S_MAX
        while True:
            sign_of_life = session.keepalives_heard, session.is_ready
            began_s = loop.time()
            try:
                async with asyncio.timeout(patience_s):
                    await writer.drain()
                    data = await reader.read(_READ_BYTES)
            except TimeoutError:
                return Ended("lost", f"waited in vain for {session.waiting_for}")
            if not data:
                return Ended("lost", "the reader closed the connection")
            patience_s -= loop.time() - began_s
            happenings = session.receive(data)
            # Keepalives are acknowledged before the consumer can hold us up.
            writer.write(session.bytes_to_send())
            if ended := await self._deliver(happenings):
                return ended
            if sign_of_life != (session.keepalives_heard, session.is_ready):
                patience_s = SILENT_PERIODS_MAX * self._keepalive_ms / 1000

    # --- what happened, as items -----------------------------------------------------------------

    async def _deliver(self, happenings: Sequence[Happening]) -> Ended | None:
        now, ended = self._clock.now(), None
        for happening in happenings:
            match happening:
                case Ended():
                    ended = happening
                case Ready():
                    await self._state_recovery(happening, now)
                case Noticed(state, reason):
                    await self._state(state, reason, now)
                case FrameRejected():
                    await self._mailbox.put(self._rejected(happening, now))
                case TagHeard():
                    await self._mailbox.put(self._tag_read(happening, now))
                case InputChanged():
                    await self._mailbox.put(self._beam(happening, now))
        if self._trouble is None:
            self._heard_at = now
            if now - self._stated_at >= STATED_EVERY and ended is None:
                # A reader in whose field nothing moves is there all the same.
                await self._state(*self._stated, now)
        return ended

    async def _state_trouble(self, ended: Ended) -> None:
        state: Literal["offline", "fault"] = "fault" if ended.kind == "refused" else "offline"
        if self._trouble != state:
            self._trouble = state
            await self._state(state, ended.reason, self._clock.now())

    async def _state_recovery(self, ready: Ready, now: datetime) -> None:
        if self._trouble is not None:
            how = "the reader kept its inventory" if ready.was_running else "the inventory was started anew"
            await self._state("gap", how, now, (now - self._heard_at).total_seconds())
        self._trouble, self._failures = None, 0
        await self._state("online", "", now)

    async def _state(
        self,
        state: Literal["online", "offline", "gap", "fault"],
        reason: str,
        now: datetime,
        gap_s: float = 0.0,
    ) -> None:
        self._stated, self._stated_at = (state, reason), now
        status = DeviceStatus(state=state, reason=reason, gap_s=gap_s)
        await self._mailbox.put(self._observation(status, now))

    def _tag_read(self, heard: TagHeard, now: datetime) -> Observation:
        reading = TagRead(
            epc_hex=heard.epc_hex,
            antenna=heard.antenna,
            rssi_cdbm=heard.rssi_dbm * 100,
            seen_count=heard.seen_count,
        )
        # Without a time of its own a report the reader held back would look fresh.
        is_suspect = heard.is_suspect or heard.seen_at is None
        return self._observation(reading, heard.seen_at or now, heard.raw, is_suspect=is_suspect)

    def _beam(self, changed: InputChanged, now: datetime) -> Observation:
        reading = BeamState(beam=changed.number, is_broken=changed.is_high == self._beam_broken_is_high)
        return self._observation(reading, changed.at or now, changed.raw, is_suspect=changed.at is None)

    def _observation(
        self,
        reading: TagRead | BeamState | DeviceStatus,
        observed_at: datetime,
        raw: bytes = b"",
        *,
        is_suspect: bool = False,
    ) -> Observation:
        self._sequence += 1
        return Observation(
            device_id=self._device_id,
            boot=self._boot,
            sequence=self._sequence,
            observed_at=observed_at,
            reading=reading,
            quality="suspect" if is_suspect else "good",
            raw_sha256=hashlib.sha256(raw).hexdigest() if raw else "",
        )

    def _rejected(self, error: FrameRejected, now: datetime) -> Rejected:
        return Rejected(
            device_id=self._device_id,
            field=error.field,
            rule=error.rule,
            raw=error.raw,
            received_at=now,
            boot=self._boot,
        )


async def _say_goodbye(
    session: LlrpSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Ask the reader to close, and wait a moment for it, so that its one connection is free at once."""
    session.close()
    with suppress(OSError):
        async with asyncio.timeout(GOODBYE_S_MAX):
            writer.write(session.bytes_to_send())
            while data := await reader.read(_READ_BYTES):
                if any(isinstance(happening, Ended) for happening in session.receive(data)):
                    return


class _Mailbox:
    """A bounded queue that can be closed: what is in it can still be taken, then `take` gives None."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._is_closed = False

    async def put(self, item: Item) -> None:
        while len(self._items) >= QUEUE_ITEMS_MAX:
            self._drained.clear()
            await self._drained.wait()
        self._items.append(item)
        self._filled.set()

    async def take(self) -> Item | None:
        while not self._items:
            if self._is_closed:
                return None
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        self._drained.set()
        return item

    def close(self) -> None:
        self._is_closed = True
        self._filled.set()
