"""Wake-ups over PostgreSQL NOTIFY. A wake-up carries nothing: the woken always re-reads from its cursor."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from app.database import LINE

RECONNECT_S = 0.5

log = structlog.get_logger("wake")


class Woken:
    """A flag that several wake-ups fold into one."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, at_most_s: float) -> None:
        """Return when woken, or after `at_most_s` seconds in any case."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._event.wait()
        self._event.clear()


class Wake:
    """Listens on one connection of its own and wakes whoever waits on a channel."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._waiting: dict[str, set[Woken]] = {}
        self._fresh = asyncio.Event()

    @asynccontextmanager
    async def listening(self, *channels: str) -> AsyncIterator[Woken]:
        """A `Woken` that is set on each notification of one of the channels."""
        woken = Woken()
        for channel in channels:
            self._waiting.setdefault(channel, set()).add(woken)
        self._fresh.set()
        try:
            yield woken
        finally:
            for channel in channels:
                self._waiting[channel].discard(woken)

    async def run(self) -> None:
        """Keep listening until cancelled; reconnects by itself and then wakes everybody once."""
        while True:
            try:
                await self._listen()
            except psycopg.OperationalError as error:
                log.info("listener_lost", reason=str(error).strip())
                await asyncio.sleep(RECONNECT_S)

    async def _listen(self) -> None:
        dsn = make_conninfo(self._dsn, **LINE)
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            while True:
                self._fresh.clear()
                for channel in sorted(self._waiting):
                    await connection.execute(f'LISTEN "{channel}"'.encode())
                self._wake_all()
                while not self._fresh.is_set():
                    async for notice in connection.notifies(timeout=1.0, stop_after=1):
                        for woken in self._waiting.get(notice.channel, ()):
                            woken.set()

    def _wake_all(self) -> None:
        for waiting in self._waiting.values():
            for woken in waiting:
                woken.set()
