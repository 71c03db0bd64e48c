"""Refusals on their way to quarantine: written together, kept while the database is away, bounded."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.database import Database
from app.refusals import SAID_BYTES_MAX, WAITING_MAX, Refusals
from devices.api import OTHERS
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.errors import Unavailable
from kernel.ids import Ids
from tests.conftest import TestServer


@pytest.fixture
async def server(database_server: TestServer) -> AsyncIterator[TestServer]:
    async with database_server.copy() as copied:
        yield copied


@pytest.fixture
async def database(server: TestServer, clock: ManualClock) -> AsyncIterator[Database]:
    opened = Database(server.app_dsn, clock, Ids.unguessable(clock))
    await opened.open()
    yield opened
    await opened.close()


async def written(database: Database) -> dict[str, int]:
    async with database.write(Caller.product("test")) as tx:
        rows = await tx.rows("SELECT device_id, sum(times)::bigint AS n FROM devices.quarantine GROUP BY 1")
    return {row["device_id"]: row["n"] for row in rows}


async def test_what_is_noted_is_written_and_not_written_again(
    database: Database, clock: ManualClock, until
) -> None:
    refusals = Refusals(clock)
    running = asyncio.create_task(refusals.run(database))
    for _ in range(3):
        refusals.note("10.0.0.9", "username", "enrolled", b"x" * (SAID_BYTES_MAX + 1))

    async def is_written() -> bool:
        return await written(database) == {"10.0.0.9": 3}

    await until(is_written)
    refusals.note("10.0.0.9", "username", "enrolled")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await written(database) == {"10.0.0.9": 4}, "what is left is written at the end"
    await refusals.write(database)
    assert await written(database) == {"10.0.0.9": 4}


async def test_what_is_noted_while_the_database_is_away_is_written_when_it_is_back(
    server: TestServer, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.database.POOL_WAIT_S_MAX", 0.2)
    away = Database(server.app_dsn + " port=1", clock, Ids.unguessable(clock))
    await away.open()
    refusals = Refusals(clock)
    refusals.note("fork", "password", "its own")
    with pytest.raises(Unavailable):
        await refusals.write(away)
    refusals.note("fork", "password", "its own")
    await away.close()
    await refusals.write(database)
    assert await written(database) == {"fork": 2}


async def test_more_names_than_can_wait_are_counted_together(database: Database, clock: ManualClock) -> None:
    refusals = Refusals(clock)
    for number in range(WAITING_MAX + 50):
        refusals.note(f"nobody-{number}", "username", "enrolled")
    await refusals.write(database)
    counts = await written(database)
    assert sum(counts.values()) == WAITING_MAX + 50
    assert counts[OTHERS] >= 50
