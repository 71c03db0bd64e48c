"""A plain TCP connection to a device that speaks in lines or frames: opened when needed, with bounds."""

import asyncio
from types import TracebackType
from typing import Final, Self

CONNECT_S_MAX: Final = 5.0
SEND_S_MAX: Final = 5.0
_READ_BYTES: Final = 65_536


class LinkLost(Exception):
    """No connection, or no answer in time."""


class TcpLink:
    """Bytes to and from one address. After LinkLost the next use connects anew."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
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
        try:
            async with asyncio.timeout(within_s):
                data = await reader.read(_READ_BYTES)
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
            except OSError as error:
                raise LinkLost(f"cannot connect to {host}:{port}") from error
        return self._streams

    def _lost(self, reason: str) -> LinkLost:
        self.close()
        return LinkLost(reason)
