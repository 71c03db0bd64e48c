"""A plain TCP connection to a device that speaks in lines or frames: opened when needed, with bounds."""

import asyncio
from types import TracebackType
from typing import Final, Self

CONNECT_S_MAX: Final = 5.0
SEND_S_MAX: Final = 5.0
_READ_BYTES: Final = 65_536


class LinkLost(Exception):
    """No connection, or no answer in time."""


class NotServed(Exception):
    """The device is there and does not give what is wanted: a person must act."""


class TcpLink:
    """Bytes to and from one address. After LinkLost the next use connects anew.

    With `stale_s_max`, what was not read for longer than that is stale and ends the connection: for devices
    that send their present state over and over without a time.
    """

    def __init__(self, host: str, port: int, *, stale_s_max: float | None = None) -> None:
        self._address = host, port
        self._stale_s_max = stale_s_max
        self._read_at_s = 0.0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        return self._streams is not None

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def read(self, within_s: float) -> bytes:
        """The next bytes, at least one. Raises LinkLost when none came in time or the device hung up."""
        reader, _ = await self._opened()
        loop = asyncio.get_running_loop()
        if self._stale_s_max is not None and loop.time() - self._read_at_s > self._stale_s_max:
            raise self._lost("nothing could be taken in time, and what waited is stale")
        try:
            async with asyncio.timeout(within_s):
                data = await reader.read(_READ_BYTES)
            self._read_at_s = loop.time()
        except TimeoutError as error:
            raise self._lost("nothing was heard in time") from error
        except OSError as error:
            raise self._lost(f"the connection failed: {error}") from error
        if not data:
            raise self._lost("the device closed the connection")
        return data

    async def send(self, data: bytes) -> None:
        """Hand `data` to the connection. Raises LinkLost when there is none, or it is not taken."""
        _, writer = await self._opened()
        try:
            async with asyncio.timeout(SEND_S_MAX):
                writer.write(data)
                await writer.drain()
        except OSError as error:
            raise self._lost(f"the connection failed: {error or 'nothing is taken'}") from error

    async def open(self) -> None:
        """Connect, unless connected. Raises LinkLost."""
        await self._opened()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            host, port = self._address
            try:
                async with asyncio.timeout(CONNECT_S_MAX):
                    self._streams = await asyncio.open_connection(host, port)
                self._read_at_s = asyncio.get_running_loop().time()
            except OSError as error:
                raise LinkLost(f"cannot connect to {host}:{port}") from error
        return self._streams

    def _lost(self, reason: str) -> LinkLost:
        self.close()
        return LinkLost(reason)
