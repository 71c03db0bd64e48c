"""PostgreSQL behind the transaction ports of the kernel. The only place that opens and commits one.

The pool signs in as `tallyhouse_app`, which has no rights of its own; each transaction takes the role it
needs (`tallyhouse_command` or `tallyhouse_read`) and states the caller's party and the time for row-level
security.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from kernel.caller import Caller
from kernel.clock import Clock
from kernel.errors import Unavailable
from kernel.ids import Ids
from kernel.messages import Event
from kernel.tx import Row

POOL_SIZE_MAX = 12
POOL_WAIT_S_MAX = 10.0
RECONNECT_S_MAX = 5.0
"""A try to connect again ends after this, so that the next who wants a connection begins a fresh one: left to
itself the pool waits twice as long after each failure, minutes at last, also when the line is back."""
LINE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A line that says nothing for a minute is given up: one that was cut in silence would be waited for."""
# The server's side of the same: what a client that fell silent holds locked is let go of.
CONFIGURE = """
    SELECT set_config('idle_in_transaction_session_timeout', '60s', false),
        set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
        set_config('tcp_keepalives_count', '3', false)"""

set_json_dumps(msgspec.json.encode)
set_json_loads(msgspec.json.decode)

# Sets the role of a transaction together with the party and the time that row-level security reads.
BEGIN_AS = (
    "SELECT set_config('role', %(role)s, true), set_config('tallyhouse.party', %(party)s, true),"
    " set_config('tallyhouse.at', %(at)s, true)"
)
INSERT_EVENT = (
    "INSERT INTO app.event (kind, site_id, occurred_at, caused_by, payload)"
    " VALUES (%(kind)s, %(site_id)s, %(occurred_at)s, %(caused_by)s, %(payload)s)"
)


class PgTx:
    """Implements `kernel.tx.Tx` over one connection inside a transaction."""

    def __init__(
        self, connection: psycopg.AsyncConnection[Row], caller: Caller, now: datetime, ids: Ids
    ) -> None:
        self.connection = connection
        self.caller = caller
        self.now = now
        self.ids = ids
        self.events: list[Event] = []

    async def begin_as(self, role: str) -> None:
        await self.run(BEGIN_AS, {"role": role, "party": self.caller.party_id, "at": self.now.isoformat()})

    async def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Row]:
        return await (await self.connection.execute(sql.encode(), params)).fetchall()

    async def row(self, sql: str, params: Mapping[str, Any] | None = None) -> Row | None:
        return await (await self.connection.execute(sql.encode(), params)).fetchone()

    async def value(self, sql: str, params: Mapping[str, Any] | None = None) -> Any:
        row = await self.row(sql, params)
        return None if row is None else next(iter(row.values()))

    async def run(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        return (await self.connection.execute(sql.encode(), params)).rowcount

    async def run_many(self, sql: str, params: Sequence[Mapping[str, Any]]) -> None:
        if params:
            async with self.connection.cursor() as cursor:
                await cursor.executemany(sql.encode(), params)

    async def copy(self, sql: str, types: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        async with self.connection.cursor() as cursor, cursor.copy(sql.encode()) as copy:
            copy.set_types(types)
            for row in rows:
                await copy.write_row(row)

    def emit(self, event: Event) -> None:
        self.events.append(event)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail alone: its rows and its events go when the block raises."""
        kept = len(self.events)
        try:
            async with self.connection.transaction():
                yield
        except BaseException:
            del self.events[kept:]
            raise

    async def flush_events(self) -> None:
        """Write the emitted events to the outbox and ask for a wake-up at commit."""
        if not self.events:
            return
        events, self.events = self.events, []
        await self.run_many(
            INSERT_EVENT,
            [
                {
                    "kind": type(event).__name__,
                    "site_id": getattr(event, "site_id", None),
                    "occurred_at": self.now,
                    "caused_by": self.caller.person_id,
                    "payload": Jsonb(msgspec.to_builtins(event)),
                }
                for event in events
            ],
        )
        await self.run("SELECT pg_notify('tallyhouse_event', '')")


class Database:
    """Opens transactions, at most `POOL_SIZE_MAX` at once; whoever wants another waits in line."""

    def __init__(self, app_dsn: str, clock: Clock, ids: Ids) -> None:
        self.dsn = app_dsn
        self._clock = clock
        self._ids = ids
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Row]] = AsyncConnectionPool(
            app_dsn,
            kwargs={"row_factory": dict_row, **LINE},
            min_size=1,
            max_size=POOL_SIZE_MAX,
            timeout=POOL_WAIT_S_MAX,
            reconnect_timeout=RECONNECT_S_MAX,
            open=False,
            configure=_configure,
            check=AsyncConnectionPool.check_connection,
        )

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def write(self, caller: Caller) -> AsyncIterator[PgTx]:
        """A writing transaction: committed when the block ends well, rolled back otherwise."""
        async with self._transaction(caller, "tallyhouse_command") as tx:
            yield tx
            await tx.flush_events()

    @asynccontextmanager
    async def read(self, caller: Caller) -> AsyncIterator[PgTx]:
        """A reading transaction under the caller's row-level security."""
        async with self._transaction(caller, "tallyhouse_read") as tx:
            yield tx

    @asynccontextmanager
    async def _transaction(self, caller: Caller, role: str) -> AsyncIterator[PgTx]:
        try:
            async with self._pool.connection() as connection, connection.transaction():
                tx = PgTx(connection, caller, self._clock.now(), self._ids)
                await tx.begin_as(role)
                yield tx
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise Unavailable("database.unavailable", retry_after_s=2) from error


async def _configure(connection: psycopg.AsyncConnection[Row]) -> None:
    await connection.execute(CONFIGURE)
    await connection.commit()
