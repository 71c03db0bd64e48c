"""How far a site's journal is filled and folded, now and at each of the fold's commits."""

import asyncio
from bisect import bisect_left
from contextlib import AsyncExitStack
from datetime import datetime
from typing import LiteralString, Self

import psycopg

from app.database import Database
from app.folding import consumer_of
from kernel.caller import Caller
from kernel.clock import Clock
from kernel.ids import Ids

BENCH = Caller.product("bench")
ASK_EVERY_S = 0.1
STORED = "SELECT coalesce(max(position), 0) FROM devices.journal WHERE site_id = %(site_id)s"
FOLDED = "SELECT coalesce(max(position), 0) FROM app.cursor WHERE consumer = %(consumer)s"


class Watch:
    """An async context manager; `run` notes the fold's cursor at each of its commits.

    It asks on a connection of its own, one statement a time: what is measured should feel it little.
    """

    def __init__(self, dsn: str, clock: Clock, site_id: str) -> None:
        self._dsn = dsn
        self._clock = clock
        self._site_id = site_id
        self._through: list[int] = []
        self._at: list[datetime] = []
        self._line: psycopg.AsyncConnection

    async def __aenter__(self) -> Self:
        self._line = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
        await self._line.execute("SET ROLE tallyhouse_command")
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._line.close()

    async def stored(self) -> int:
        """How many readings the site's journal holds."""
        return await self._asked(STORED, {"site_id": self._site_id})

    async def folded(self) -> int:
        """Through which position the twin is folded."""
        return await self._asked(FOLDED, {"consumer": consumer_of(self._site_id)})

    async def _asked(self, query: LiteralString, about: dict[str, str]) -> int:
        answer = await (await self._line.execute(query, about)).fetchone()
        assert answer is not None, "an aggregate has a row"
        return int(answer[0])

    async def until_behind(self, readings: int) -> None:
        """Wait until the twin is behind what the journal holds now by so many at most."""
        wanted = await self.stored() - readings
        # Another process moves the figure: it has to be asked.
        while await self.folded() < wanted:  # noqa: ASYNC110
            await asyncio.sleep(ASK_EVERY_S)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
            await connection.execute("LISTEN tallyhouse_twin")
            async for _ in connection.notifies():
                through = await self.folded()
                self._at.append(self._clock.now())
                self._through.append(through)

    def folded_at(self, position: int) -> datetime:
        """When the twin was first seen to hold a position. Raises LookupError when it was not seen to."""
        place = bisect_left(self._through, position)
        if place == len(self._through):
            raise LookupError(position)
        return self._at[place]


async def opened(stack: AsyncExitStack, dsn: str, clock: Clock) -> Database:
    """A database to work on until the stack unwinds."""
    database = Database(dsn, clock, Ids.unguessable(clock))
    await database.open()
    stack.push_async_callback(database.close)
    return database
