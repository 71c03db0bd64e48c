"""Devices that were turned away, on their way to quarantine.

Whoever refuses a device only notes it here: how often somebody knocks must not decide how often we write.
What was noted is written together once a second, and kept while the database is away.
"""

import asyncio
from typing import NamedTuple

import msgspec
import psycopg
import structlog

from app.database import Database
from devices.api import OTHERS, TurnedAway, record_turned_away
from kernel.caller import Caller
from kernel.clock import Clock
from kernel.errors import Unavailable

WRITE_EVERY_S = 1.0
WAITING_MAX = 1_000
"""Different refusals that wait to be written; past it new ones count together, as `OTHERS`."""
NAME_CHARACTERS_MAX, SAID_BYTES_MAX = 256, 4_096
"""What is kept of the name a stranger gives, and of what it says."""

log = structlog.get_logger("refusals")


class _Key(NamedTuple):
    """What is counted together."""

    site_id: str | None
    device_id: str
    field: str
    rule: str
    said: bytes
    """Empty, unless each different thing it says is counted by itself."""


class Refusals:
    """One per program. `note` from anywhere in its event loop; `run` writes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[_Key, TurnedAway] = {}
        self._noted = asyncio.Event()

    def note(
        self,
        device_id: str,
        field: str,
        rule: str,
        said: bytes = b"",
        *,
        apart: bool = False,
        site_id: str | None = None,
    ) -> None:
        """`device_id` (the name it gave, else its address) was refused for the rule that `field` breaks.

        `said` is what it said, as far as that tells more, and `apart` whether each different one counts by
        itself; `site_id` is where it knocked, when that is known.
        """
        said = said[:SAID_BYTES_MAX]
        key = _Key(site_id, device_id[:NAME_CHARACTERS_MAX], field, rule, said if apart else b"")
        if key not in self._waiting and len(self._waiting) >= WAITING_MAX:
            key, apart = key._replace(device_id=OTHERS, said=b""), False
        now, before = self._clock.now(), self._waiting.get(key)
        self._waiting[key] = TurnedAway(
            device_id=key.device_id,
            field=field,
            rule=rule,
            first_at=now if before is None else before.first_at,
            last_at=now,
            said=said,
            times=1 if before is None else before.times + 1,
            is_apart=apart,
        )
        self._noted.set()

    async def run(self, database: Database) -> None:
        """Write what is noted until cancelled, and then what is left."""
        try:
            while True:
                await self._noted.wait()
                await self._write_or_keep(database)
                await asyncio.sleep(WRITE_EVERY_S)
        finally:
            await self._write_or_keep(database)

    async def _write_or_keep(self, database: Database) -> None:
        try:
            await self.write(database)
        except Unavailable as error:
            self._noted.set()
            log.warning(
                "refusals_kept_back", count=len(self._waiting), reason=str(error.__cause__ or error).strip()
            )

    async def write(self, database: Database) -> None:
        """Write everything that is noted. Raises Unavailable, and keeps it, when the database is away."""
        self._noted.clear()
        batch = dict(self._waiting)
        try:
            async with database.write(Caller.product("refusals")) as tx:
                for site_id in {key.site_id for key in batch}:
                    await record_turned_away(
                        tx, site_id, [entry for key, entry in batch.items() if key.site_id == site_id]
                    )
        except psycopg.InterfaceError as error:
            raise Unavailable("database.unavailable", retry_after_s=WRITE_EVERY_S) from error
        for key, written in batch.items():
            self._forget(key, written)

    def _forget(self, key: _Key, written: TurnedAway) -> None:
        """Drop what was written; of what was noted again meanwhile, the difference stays."""
        entry = self._waiting.pop(key)
        if entry is not written:
            self._waiting[key] = msgspec.structs.replace(
                entry, times=entry.times - written.times, first_at=entry.last_at
            )
