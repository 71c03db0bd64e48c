"""The journal as the edge's intake sees it: away, or one transaction for each call."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final

import psycopg

from app.database import Database, PgTx
from app.folding import behind
from devices.api import event_counts, record
from devices.ingest.event_counts import Counts
from devices.ingest.handlers import Recorded
from devices.ingest.model import Received
from kernel.caller import Caller
from kernel.errors import Unavailable
from kernel.messages import Rejected

EDGE: Final = Caller.product("edge")
RETRY_S: Final = 0.5


class EdgeJournal:
    """Raises Unavailable for whatever the database cannot take now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, site_id: str, items: Sequence[Received | Rejected]) -> Recorded:
        async with self._writing() as tx:
            return await record(tx, site_id, items)

    async def last_counts(self, device_ids: Collection[str]) -> Counts:
        """Where the counts of these devices stand."""
        async with self._writing() as tx:
            return await event_counts(tx, device_ids)

    async def behind(self, site_id: str) -> int:
        """How many readings of the site's journal the twin has not taken in."""
        async with self._writing() as tx:
            return await behind(tx, site_id)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[PgTx]:
        try:
            async with self._database.write(EDGE) as tx:
                yield tx
        except psycopg.InterfaceError as error:
            # The connection broke under us; the pool makes a new one.
            raise Unavailable("database.unavailable", retry_after_s=RETRY_S) from error
