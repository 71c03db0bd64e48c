"""The role `fold`: one owner per site applies the site's journal to the twin, in order.

The cursor is the only offset. It moves in the transaction that applies the batch; positions are gapless per
site, so a hole in what was read is a fault and is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog
from psycopg.types.json import Jsonb

from app.database import Database, PgTx
from app.relay import ENSURE_CURSOR, SET_ASIDE
from app.wake import Wake
from kernel.caller import Caller
from kernel.errors import Unavailable
from kernel.messages import Envelope
from kernel.tx import Tx

Apply = Callable[[Tx, Sequence[Envelope]], Awaitable[None]]
JournalAfter = Callable[[Tx, str, int, int], Awaitable[list[Envelope]]]
Sites = Callable[[Tx], Awaitable[list[str]]]

BATCH_OBSERVATIONS_MAX = 2_000
BATCH_EVERY_S = 0.06
"""Batches begin at least this far apart, unless they are full: a transaction costs as much as many readings.
What comes after a rest does not wait."""
IDLE_S_MAX = 1.0
RETRY_S = 0.2

LOCK_POSITION = "SELECT position FROM app.cursor WHERE consumer = %(consumer)s FOR UPDATE SKIP LOCKED"
MOVE_POSITION = "UPDATE app.cursor SET position = %(position)s WHERE consumer = %(consumer)s"
BEHIND = """
    SELECT j.position - coalesce(c.position, 0) AS behind FROM devices.journal j
    LEFT JOIN app.cursor c ON c.consumer = %(consumer)s WHERE j.site_id = %(site_id)s"""
# Wakes those who show the twin: a pose moves without an event.
TELL_FOLDED = "SELECT pg_notify('tallyhouse_twin', %(site_id)s)"

log = structlog.get_logger("fold")


def consumer_of(site_id: str) -> str:
    """The name of the cursor through which a site is folded."""
    return f"fold:{site_id}"


async def behind(tx: Tx, site_id: str) -> int:
    """How many readings of the site's journal the twin has not taken in."""
    return await tx.value(BEHIND, {"consumer": consumer_of(site_id), "site_id": site_id}) or 0


class Fold:
    """Folds every site that has a journal."""

    def __init__(
        self, database: Database, wake: Wake, *, sites: Sites, journal_after: JournalAfter, apply: Apply
    ) -> None:
        self._database = database
        self._wake = wake
        self._sites = sites
        self._journal_after = journal_after
        self._apply = apply

    async def run(self) -> None:
        """Fold until cancelled."""
        async with self._wake.listening("tallyhouse_journal") as woken:
            loop = asyncio.get_running_loop()
            while True:
                began = loop.time()
                try:
                    moved = await self.step()
                except Unavailable:
                    moved = 0
                    await asyncio.sleep(RETRY_S)
                if moved == 0:
                    await woken.wait(IDLE_S_MAX)
                elif moved < BATCH_OBSERVATIONS_MAX:
                    await asyncio.sleep(began + BATCH_EVERY_S - loop.time())

    async def step(self) -> int:
        """Fold one batch of each site; returns the number of observations applied."""
        async with self._database.write(Caller.product("fold")) as tx:
            sites = await self._sites(tx)
        return sum([await self._step_site(site_id) for site_id in sites])

    async def _step_site(self, site_id: str) -> int:
        consumer = consumer_of(site_id)
        async with self._database.write(Caller.product("fold")) as tx:
            await tx.run(ENSURE_CURSOR, {"consumer": consumer})
            position = await tx.value(LOCK_POSITION, {"consumer": consumer})
            if position is None:
                return 0
            batch = await self._journal_after(tx, site_id, position, BATCH_OBSERVATIONS_MAX)
            if not batch:
                return 0
            _require_gapless(position, batch)
            await self._apply_or_set_aside(tx, consumer, batch)
            await tx.run(MOVE_POSITION, {"consumer": consumer, "position": batch[-1].position})
            await tx.run(TELL_FOLDED, {"site_id": site_id})
            return len(batch)

    async def _apply_or_set_aside(self, tx: PgTx, consumer: str, batch: Sequence[Envelope]) -> None:
        """Apply the batch; when it fails, apply one by one so that only the culprit is set aside."""
        try:
            async with tx.savepoint():
                await self._apply(tx, batch)
        except Unavailable:
            raise
        except Exception as error:
            if len(batch) > 1:
                for envelope in batch:
                    await self._apply_or_set_aside(tx, consumer, [envelope])
                return
            log.error("observation_set_aside", consumer=consumer, position=batch[0].position, exc_info=error)
            await tx.run(SET_ASIDE, _aside(consumer, batch[0], error, tx))


def _require_gapless(position: int, batch: Sequence[Envelope]) -> None:
    expected = range(position + 1, position + 1 + len(batch))
    if [envelope.position for envelope in batch] != list(expected):
        raise RuntimeError(f"journal of {batch[0].site_id} has a gap after position {position}")


def _aside(consumer: str, envelope: Envelope, error: Exception, tx: Tx) -> dict[str, object]:
    return {
        "consumer": consumer,
        "position": envelope.position,
        "kind": type(envelope.observation.reading).__name__,
        "payload": Jsonb(msgspec.to_builtins(envelope)),
        "error": f"{type(error).__name__}: {error}",
        "tries": 1,
        "now": tx.now,
    }
