"""Puts a simulated reader on a TCP port."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from kernel.clock import Clock
from simulators.protocols.llrp.frames import VERSION_1_1, Heard
from simulators.protocols.llrp.reader import SimulatedReader

_READ_BYTES: Final = 65_536
WRITE_BYTES_MAX: Final = 1 << 20
"""A client that leaves more than this unread is cut off; what it has not read is lost to it."""


class LlrpReaderServer:
    """A reader on `host`:`port` (0 takes a free port; `port` then tells it). An async context manager.

    The world calls `hear`. As a real reader, it hears nothing before a client has started an inventory, and
    holds up to `HELD_REPORTS_MAX` reports while a client that asked for it is away. A second client is told
    that another is connected, and hung up on; `refusals` counts those turned away.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        clock: Clock,
        antenna_count: int = 4,
        input_count: int = 2,
        has_utc_clock: bool = True,
        version_max: int = VERSION_1_1,
        hangs_up_on_strangers: bool = False,
    ) -> None:
        self.host = host
        self.port = port
        self.reader = SimulatedReader(
            clock,
            antenna_count,
            input_count=input_count,
            has_utc_clock=has_utc_clock,
            version_max=version_max,
            hangs_up_on_strangers=hangs_up_on_strangers,
        )
        self.keepalives_paused = False
        self.is_plugged_in = True
        self.refusals = 0
        self._server: asyncio.Server | None = None
        self._client: asyncio.StreamWriter | None = None
        self._conversations: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._on_client, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        # Cancelled while they read, tasks of streams are told of as errors by Python 3.11.
        for writer in self._conversations.values():
            writer.transport.abort()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._server.wait_closed()

    # --- what the world and the tests do ---------------------------------------------------------

    def hear(self, epc_hex: str, antenna: int, rssi_cdbm: int, at: datetime, count: int = 1) -> bool:
        """A tag is in the field of an antenna at `at`. False when the reader does not listen there now."""
        is_heard = self.reader.hear(Heard(epc_hex, antenna, rssi_cdbm, at, count))
        self._flush()
        return is_heard

    def set_antenna(self, antenna: int, *, is_connected: bool) -> None:
        """Plug an antenna in or out."""
        self.reader.set_antenna(antenna, is_connected=is_connected)
        self._flush()

    def set_input(self, number: int, *, is_high: bool) -> None:
        """A general purpose input changes: a light beam is broken, say."""
        self.reader.set_input(number, is_high=is_high)
        self._flush()

    def stop_operation(self) -> None:
        """Somebody else ends the inventory."""
        self.reader.stop_operation()
        self._flush()

    def send_raw(self, data: bytes) -> None:
        """Send the client any bytes at all: for tests of malformed frames. A client must be connected."""
        assert self._client is not None, "no client is connected"
        self._client.write(data)

    def cut(self) -> None:
        """Drop the connection without a word. Nothing happens when there is none."""
        if self._client is not None:
            self._client.transport.abort()

    def unplug(self) -> None:
        """Pull the network cable: the connection drops, new ones fail until `plug_in`, the reader runs on."""
        self.is_plugged_in = False
        self.cut()

    def plug_in(self) -> None:
        """Put the network cable back."""
        self.is_plugged_in = True

    async def wait_until_reporting(self, timeout_s: float = 10.0) -> None:
        """Return once a client has an inventory running and takes reports; TimeoutError otherwise."""
        await self.wait_until(lambda: self.reader.is_reporting, timeout_s)

    async def wait_until_alone(self, timeout_s: float = 10.0) -> None:
        """Return once no client is connected; TimeoutError otherwise."""
        await self.wait_until(lambda: self._client is None, timeout_s)

    async def wait_until(self, is_so: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Return once `is_so`, asked after each exchange with a client; TimeoutError otherwise."""
        async with asyncio.timeout(timeout_s):
            while not is_so():
                await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # --- the wire --------------------------------------------------------------------------------

    async def _on_client(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations[task] = writer
        try:
            if not self.is_plugged_in:
                self.refusals += 1
                writer.transport.abort()
            elif self._client is None:
                await self._serve(stream, writer)
            else:
                self.refusals += 1
                writer.write(self.reader.refuse())
                self._flush()
        finally:
            del self._conversations[task]
            writer.close()
            self._notify()

    async def _serve(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._client = writer
        self.reader.connect()
        beat = asyncio.create_task(self._beat(writer))
        try:
            self._flush()
            while self.reader.is_open and (data := await stream.read(_READ_BYTES)):
                self.reader.receive(data)
                self._flush()
                self._notify()
        except OSError:
            # The client is gone: for a reader that is no error, its reports wait for the next client.
            pass
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat
            self.reader.disconnect()
            self._client = None
            self._notify()

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        """Keepalives at the period the client asked for, as long as this connection lasts."""
        while self.reader.is_open:
            if not self.reader.keepalive_ms:
                await self._changed.wait()
                continue
            await asyncio.sleep(self.reader.keepalive_ms / 1000)
            if not self.keepalives_paused:
                self.reader.keepalive()
                self._flush()
        writer.transport.abort()

    def _flush(self) -> None:
        if self._client is None or self._client.transport.is_closing():
            return
        if self._client.transport.get_write_buffer_size() > WRITE_BYTES_MAX:
            self._client.transport.abort()
            return
        self._client.write(self.reader.outgoing())
