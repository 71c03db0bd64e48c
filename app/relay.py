"""The outbox relay: hands each committed event to its subscribers, once, in order.

A consumer's cursor row is locked while a batch is applied and moves in the same transaction as the effects,
so an effect is neither lost nor doubled. Events are read below the oldest running transaction, so a late
commit is never skipped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from psycopg.types.json import Jsonb

from app.database import Database, PgTx
from app.wake import Wake
from kernel.caller import Caller
from kernel.errors import Unavailable
from kernel.messages import Event
from kernel.tx import Row

Subscriber = Callable[[Any, Any], Awaitable[None]]

BATCH_EVENTS_MAX = 200
TRIES_MAX = 5
IDLE_S_MAX = 1.0
RETRY_S = 0.2

ENSURE_CURSOR = (
    "INSERT INTO app.cursor (consumer, xid, position, epoch) VALUES (%(consumer)s, '0', 0, 0)"
    " ON CONFLICT DO NOTHING"
)
LOCK_CURSOR = "SELECT xid::text, position FROM app.cursor WHERE consumer = %(consumer)s FOR UPDATE"
# Ordered by the number: a bare `xid` would name the text that is answered, where 1000 comes before 999.
NEXT_EVENTS = """
    SELECT e.event_id, e.xid::text, e.kind, e.payload FROM app.event e
    WHERE (e.xid, e.event_id) > (%(xid)s::xid8, %(position)s)
        AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY e.xid, e.event_id LIMIT %(limit)s"""
MOVE_CURSOR = (
    "UPDATE app.cursor SET xid = %(xid)s::xid8, position = %(position)s WHERE consumer = %(consumer)s"
)
SET_ASIDE = """
    INSERT INTO app.dead_letter (consumer, position, kind, payload, error, tries, failed_at)
    VALUES (%(consumer)s, %(position)s, %(kind)s, %(payload)s, %(error)s, %(tries)s, %(now)s)
    ON CONFLICT (consumer, position) DO NOTHING"""

log = structlog.get_logger("relay")


class Relay:
    """One consumer of the outbox, named `consumer`; runs in the role `work`."""

    def __init__(
        self,
        database: Database,
        wake: Wake,
        subscribers: Mapping[type[Event], Sequence[Subscriber]],
        consumer: str = "work",
    ) -> None:
        self._database = database
        self._wake = wake
        self._consumer = consumer
        self._by_kind = {kind.__name__: (kind, tuple(handlers)) for kind, handlers in subscribers.items()}
        self._tries: dict[int, int] = {}

    async def run(self) -> None:
        """Relay until cancelled."""
        async with self._wake.listening("tallyhouse_event") as woken:
            while True:
                try:
                    moved = await self.step()
                except Unavailable:
                    moved = 0
                    await asyncio.sleep(RETRY_S)
                if moved == 0:
                    await woken.wait(IDLE_S_MAX)

    async def step(self) -> int:
        """Apply one batch in one transaction; returns how many events the cursor moved over."""
        async with self._database.write(Caller.product(self._consumer)) as tx:
            await tx.run(ENSURE_CURSOR, {"consumer": self._consumer})
            cursor = await tx.row(LOCK_CURSOR, {"consumer": self._consumer})
            assert cursor is not None
            events = await tx.rows(NEXT_EVENTS, {**cursor, "limit": BATCH_EVENTS_MAX})
            done: Row | None = None
            for moved, row in enumerate(events):
                if not await self._apply(tx, row):
                    await self._move(tx, done)
                    return moved
                done = row
            await self._move(tx, done)
            return len(events)

    async def _move(self, tx: PgTx, done: Row | None) -> None:
        if done is not None:
            place = {"consumer": self._consumer, "xid": done["xid"], "position": done["event_id"]}
            await tx.run(MOVE_CURSOR, place)

    async def _apply(self, tx: PgTx, row: Row) -> bool:
        """Run the subscribers of one event in a savepoint; False asks to stop here and try again later."""
        known = self._by_kind.get(row["kind"])
        if known is None:
            return True
        kind, handlers = known
        try:
            async with tx.savepoint():
                event = msgspec.convert(row["payload"], kind)
                for handler in handlers:
                    await handler(event, tx)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001
            return await self._failed(tx, row, error)
        self._tries.pop(row["event_id"], None)
        return True

    async def _failed(self, tx: PgTx, row: Row, error: Exception) -> bool:
        tries = self._tries.get(row["event_id"], 0) + 1
        self._tries[row["event_id"]] = tries
        log.warning(
            "subscriber_failed", kind=row["kind"], event_id=row["event_id"], tries=tries, exc_info=error
        )
        if tries < TRIES_MAX:
            return False
        aside = {
            "consumer": self._consumer,
            "position": row["event_id"],
            "kind": row["kind"],
            "payload": Jsonb(row["payload"]),
            "error": f"{type(error).__name__}: {error}",
            "tries": tries,
            "now": tx.now,
        }
        await tx.run(SET_ASIDE, aside)
        del self._tries[row["event_id"]]
        return True
