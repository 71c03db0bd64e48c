"""The relay follows transactions by number, also where their count gains a digit."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from app.database import Database
from app.relay import Relay
from app.wake import Wake
from identity.messages import PartyAdded
from kernel.clock import ManualClock
from kernel.ids import Ids
from kernel.tx import Tx
from tests.conftest import TestServer

INSERT = """
    INSERT INTO app.event (xid, kind, occurred_at, caused_by, payload)
    VALUES (%(xid)s::text::xid8, 'PartyAdded', '2026-11-23T06:00:00Z', 'test',
        jsonb_build_object('party_id', %(name)s::text, 'kind', 'owner', 'name', %(name)s::text,
            'added_at', '2026-11-23T06:00:00Z'))"""


@pytest.fixture
async def server(database_server: TestServer) -> AsyncIterator[TestServer]:
    """A database of a server that has counted beyond a thousand, with events of either side of it."""
    async with (
        database_server.copy() as copied,
        await psycopg.AsyncConnection.connect(copied.owner_dsn, autocommit=True) as connection,
    ):
        while True:
            row = await (await connection.execute("SELECT pg_current_xact_id()::text::bigint")).fetchone()
            if row is not None and row[0] > 1_001:
                break
        for xid, name in ((998, "owner-1"), (999, "owner-2"), (1_000, "owner-3"), (1_001, "owner-4")):
            await connection.execute(INSERT, {"xid": xid, "name": name})
        yield copied


async def test_events_are_relayed_once_and_in_order_where_the_count_gains_a_digit(
    server: TestServer, clock: ManualClock, ids: Ids
) -> None:
    told: list[str] = []

    async def note(event: PartyAdded, tx: Tx) -> None:
        told.append(event.name)

    database = Database(server.app_dsn, clock, ids)
    await database.open()
    relay = Relay(database, Wake(server.app_dsn), {PartyAdded: [note]})
    while await relay.step():
        pass
    await database.close()
    assert told == ["owner-1", "owner-2", "owner-3", "owner-4"]
