"""Where every reading of an edge comes in: batched, committed, acknowledged, in order.

A batch goes to the database. When the database is away it goes to the spool, and so does everything after it
until the database is back, which is looked for beside that. Then the spool is emptied from its oldest entry
on, and what arrives meanwhile goes ahead of it: live readings do not wait for what was kept. Nor do they wait
for the twin to take it in: kept readings go on little by little, as fast as the twin follows. What the
devices' own counts show to be missing is therefore stated here, where readings are still in the order they
came.

An answer is given after one or the other is durable; when neither can take it, `put` refuses and the sender
keeps its readings.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import msgspec
import structlog

from devices.ingest.event_counts import Counts, latest, with_gaps
from devices.ingest.handlers import BATCH_OBSERVATIONS_MAX, Recorded
from devices.ingest.model import Received, rejected
from devices.ingest.ranges import Spans
from devices.ingest.readings import Broken
from devices.ingest.spool import Entry, Spool
from devices.ingest.store import Key
from kernel.errors import Unavailable
from kernel.messages import CONTENT_BOOT_BASE, AckedThrough, Rejected

Item = Received | Rejected
Acks = Mapping[Key, AckedThrough]
"""By device and boot: through which number nothing is missing."""
Record = Callable[[str, Sequence[Item]], Awaitable[Recorded]]
"""Writes a batch of one site in one transaction. Raises Unavailable when the database is away."""
LastCounts = Callable[[Collection[str]], Awaitable[Counts]]
"""Where the counts of these devices stand in the database. Raises Unavailable when it is away."""
Behind = Callable[[str], Awaitable[int]]
"""How many readings of a site's journal the twin has not taken in. Raises Unavailable likewise."""

BATCH_ITEMS_MAX = 8_000
PORTION_ITEMS, PORTION_ITEMS_MIN, PORTION_ITEMS_MAX = 500, 200, 1_000
"""Kept readings moved at once: at first, and as few and as many as the twin's pace may make of them."""
TAKEN_IN_S = 0.5
"""Portions are such that the twin takes one in within this time: so long may live readings wait for it."""
BEHIND_MAX = 100
"""Kept readings wait while the twin is further behind than this."""
GIVE_WAY_S_MAX = 2.0
"""But no longer than this: where nothing folds they are still moved, faster than they came."""
GIVE_WAY_EVERY_S = 0.02
BATCH_EVERY_S = 0.06
"""Batches begin at least this far apart, unless one is full: a transaction costs as much as many rows, and at
thousands of readings a second the processor time that larger batches leave is worth more than the wait. What
comes after a rest does not wait."""
QUEUE_ITEMS_MAX = 20_000
RECORD_S_MAX = 5.0
"""A database that takes longer counts as away. If it commits after all, the spooled copy is a duplicate."""
DRAIN_RETRY_S = 1.0
BOOTS_REMEMBERED_MAX = 10_000
UNSTORABLE = Broken("observation", "storable")

log = structlog.get_logger("intake")


class _Group(msgspec.Struct):
    """Items of one site that were handed in together and are answered together."""

    site_id: str
    items: Sequence[Item]
    done: asyncio.Future[Acks]


class Intake:
    """Takes readings from any number of drivers; `run` does the work."""

    def __init__(self, record: Record, last_counts: LastCounts, behind: Behind, spool: Spool) -> None:
        self._record = record
        self._last_counts = last_counts
        self._behind = behind
        self._spool = spool
        self._counts: Counts = {}
        self._queue: asyncio.Queue[_Group] = asyncio.Queue()
        self._queued_items = 0
        self._room = asyncio.Event()
        self._room.set()
        self._settled: OrderedDict[Key, Spans] = OrderedDict()
        self._is_full = False
        self._is_away = False
        self._retry_at = 0.0
        self._drained_at = -GIVE_WAY_S_MAX
        self._gives_way = False
        self._portion = PORTION_ITEMS
        self._looking: asyncio.Task[None] | None = None
        self._next_batch_at = 0.0

    @property
    def is_full(self) -> bool:
        """True while neither database nor spool takes anything."""
        return self._is_full

    async def put(self, site_id: str, items: Sequence[Item]) -> asyncio.Future[Acks]:
        """Queue items, waiting while the queue is full. The future ends when all of them are durable, with
        through where nothing of each numbered device and boot is missing.

        Raises Unavailable `spool.full` at once while nothing can be taken.
        """
        if self._is_full:
            raise Unavailable("spool.full", retry_after_s=DRAIN_RETRY_S)
        await self._room.wait()
        group = _Group(site_id, items, asyncio.get_running_loop().create_future())
        self._count(len(items))
        self._queue.put_nowait(group)
        return group.done

    def _count(self, items: int) -> None:
        self._queued_items += items
        if self._queued_items < QUEUE_ITEMS_MAX:
            self._room.set()
        else:
            self._room.clear()

    async def run(self) -> None:
        """Work until cancelled. What is queued then is not acknowledged, so it comes again."""
        try:
            while True:
                await self._step()
        finally:
            if self._looking is not None:
                self._looking.cancel()
                await asyncio.gather(self._looking, return_exceptions=True)
                self._looking = None

    async def _step(self) -> None:
        batch = await self._next_batch()
        try:
            counts = await self._state_gaps(batch)
            await self._store(batch)
        except Exception:
            _refuse(batch)
            raise
        self._counts = counts
        if self._looking is not None and self._looking.done():
            await self._looked()
        if self._may_drain and self._is_away:
            # A line that is silent answers late: nothing waits for that but the looking itself.
            self._looking = asyncio.create_task(self._drain(), name="look for the database")
        elif self._may_drain:
            await self._drain()

    async def _looked(self) -> None:
        """Wait for the look that is under way. Raises what it raised."""
        assert self._looking is not None
        try:
            await self._looking
        finally:
            self._looking = None

    @property
    def _may_drain(self) -> bool:
        is_time = asyncio.get_running_loop().time() >= self._retry_at
        return is_time and self._looking is None and not self._spool.is_empty

    async def _state_gaps(self, batch: Sequence[_Group]) -> Counts:
        """Put what is missing before the readings that show it; returns where the counts stand with these."""
        counted = latest(item for group in batch for item in group.items).keys()
        if not counted:
            return self._counts
        counts: Counts = {**await self._kept_counts(counted - self._counts.keys()), **self._counts}
        for group in batch:
            group.items, counts = with_gaps(counts, group.items)
        return counts

    async def _kept_counts(self, device_ids: Collection[str]) -> Counts:
        """Where devices stood that were not heard since we started. While anything is spooled the database
        is behind and would show gaps that are none: then nothing is known of them."""
        if not device_ids or self._is_away or not self._spool.is_empty:
            return {}
        try:
            async with asyncio.timeout(RECORD_S_MAX):
                return await self._last_counts(device_ids)
        except (Unavailable, TimeoutError):
            return {}

    # --- batches -----------------------------------------------------------------------------------

    async def _next_batch(self) -> list[_Group]:
        """Groups up to `BATCH_ITEMS_MAX` items; empty when the spool should be drained and nothing came."""
        if self._may_drain and self._queue.empty():
            return []
        loop = asyncio.get_running_loop()
        patience = None
        if self._looking is not None:
            patience = DRAIN_RETRY_S
        elif not self._spool.is_empty:
            patience = max(0.0, self._retry_at - loop.time())
        try:
            async with asyncio.timeout(patience):
                batch = [await self._queue.get()]
        except TimeoutError:
            return []
        if self._queued_items < BATCH_ITEMS_MAX:
            await asyncio.sleep(self._next_batch_at - loop.time())
        self._next_batch_at = loop.time() + BATCH_EVERY_S
        size = len(batch[0].items)
        while size < BATCH_ITEMS_MAX and not self._queue.empty():
            batch.append(self._queue.get_nowait())
            size += len(batch[-1].items)
        self._count(-size)
        return batch

    async def _store(self, batch: list[_Group]) -> None:
        """Bring the batch to safety, however long that takes."""
        while batch:
            if not self._is_away:
                batch = await self._to_database(batch)
            try:
                await self._to_spool(batch)
            except Unavailable:
                self._note_full()
                await asyncio.sleep(DRAIN_RETRY_S)
                await (self._drain() if self._looking is None else self._looked())
            else:
                break
        self._is_full = False

    async def _to_database(self, batch: list[_Group]) -> list[_Group]:
        """Record the batch site by site; returns what the database could not take for being away."""
        sites = {group.site_id: None for group in batch}
        left: list[_Group] = []
        for site_id in sites:
            mine = [group for group in batch if group.site_id == site_id]
            items = [item for group in mine for item in group.items]
            try:
                if left:
                    raise Unavailable("database.unavailable")
                recorded: dict[Key, Spans] = {}
                for start in range(0, len(items), BATCH_OBSERVATIONS_MAX):
                    part = items[start : start + BATCH_OBSERVATIONS_MAX]
                    recorded |= await self._record_all(site_id, part)
            except (Unavailable, TimeoutError) as error:
                if not left:
                    log.warning("database_away", reason=_reason(error), spooling=True)
                    self._wait_for_database()
                left += mine
            else:
                self._remember(recorded)
                self._answer(mine)
        return left

    async def _record_all(self, site_id: str, items: Sequence[Item]) -> Mapping[Key, Spans]:
        """Record the items of a site; when the database refuses the batch, one by one, so that only the
        culprit goes to quarantine."""
        try:
            async with asyncio.timeout(RECORD_S_MAX):
                return (await self._record(site_id, items)).settled
        except (Unavailable, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, one reading must not stop the others
            if len(items) == 1:
                return await self._set_aside(site_id, items[0], error)
        settled: dict[Key, Spans] = {}
        for item in items:
            settled |= await self._record_all(site_id, [item])
        return settled

    async def _set_aside(self, site_id: str, item: Item, error: Exception) -> Mapping[Key, Spans]:
        if isinstance(item, Rejected):
            raise error
        log.error("reading_not_storable", observation=item.observation.observation_id, exc_info=error)
        async with asyncio.timeout(RECORD_S_MAX):
            return (await self._record(site_id, [rejected(item, UNSTORABLE)])).settled

    async def _to_spool(self, batch: Sequence[_Group]) -> None:
        if not batch:
            return
        await self._spool.append([(group.site_id, item) for group in batch for item in group.items])
        for group in batch:
            for item in group.items:
                self._note(item)
        self._answer(batch)

    def _note_full(self) -> None:
        if not self._is_full:
            log.error("spool_full", entries=self._spool.entry_count, used_bytes=self._spool.used_bytes)
        self._is_full = True

    def _wait_for_database(self) -> None:
        self._is_away = True
        self._retry_at = asyncio.get_running_loop().time() + DRAIN_RETRY_S

    async def _drain(self) -> None:
        """Move the spool's oldest entries to the database, if it is there again and the twin follows."""
        entries = await self._spool.oldest(self._portion)
        for site_id, run in _runs(entries):
            try:
                if await self._must_give_way(site_id):
                    return
                self._remember(await self._record_all(site_id, [entry.item for entry in run]))
            except (Unavailable, TimeoutError):
                self._wait_for_database()
                return
            self._is_away = False
            await self._spool.remove_through(run[-1].number)
            self._drained_at = asyncio.get_running_loop().time()
        self._is_away = False
        if entries and self._spool.is_empty:
            log.info("spool_drained")

    async def _must_give_way(self, site_id: str) -> bool:
        """Whether the twin has too much before it; then it is asked again shortly."""
        loop = asyncio.get_running_loop()
        since_s = loop.time() - self._drained_at
        if since_s < GIVE_WAY_S_MAX:
            async with asyncio.timeout(RECORD_S_MAX):
                behind = await self._behind(site_id)
            self._is_away = False
            if behind > BEHIND_MAX:
                self._gives_way, self._retry_at = True, loop.time() + GIVE_WAY_EVERY_S
                return True
            self._portion = portion_after(self._portion, since_s)
        elif self._gives_way:
            self._portion = portion_after(self._portion, since_s)
        self._gives_way = False
        return False

    # --- acknowledgements --------------------------------------------------------------------------

    def _remember(self, settled: Mapping[Key, Spans]) -> None:
        for key, spans in settled.items():
            self._keep(key, spans)

    def _note(self, item: Item) -> None:
        """A spooled item is as good as recorded, but only the database knows what came before it."""
        if isinstance(item, Rejected):
            boot, sequence = item.boot, item.sequence
            device_id = item.device_id
        else:
            observation = item.observation
            device_id, boot, sequence = observation.device_id, observation.boot, observation.sequence
        if boot is not None and boot < CONTENT_BOOT_BASE and sequence is not None and sequence >= 1:
            known = self._settled.get((device_id, boot), Spans())
            self._keep((device_id, boot), known.with_numbers([sequence]))

    def _keep(self, key: Key, spans: Spans) -> None:
        self._settled[key] = self._settled.pop(key, Spans()).joined(spans)
        if len(self._settled) > BOOTS_REMEMBERED_MAX:
            self._settled.popitem(last=False)

    def _answer(self, batch: Sequence[_Group]) -> None:
        for group in batch:
            if not group.done.done():
                group.done.set_result(self._acked(group.items))

    def _acked(self, items: Sequence[Item]) -> Acks:
        keys = {_key_of(item) for item in items}
        return {
            key: AckedThrough(boot=key[1], sequence=self._settled[key].through)
            for key in keys
            if key in self._settled
        }


def portion_after(portion: int, taken_in_s: float) -> int:
    """The next portion, when the last took the twin so long; it doubles or halves at most."""
    wanted = portion * min(2.0, max(0.5, TAKEN_IN_S / max(taken_in_s, GIVE_WAY_EVERY_S)))
    return max(PORTION_ITEMS_MIN, min(PORTION_ITEMS_MAX, round(wanted)))


def _key_of(item: Item) -> Key:
    """Device and boot; -1 for what has no boot."""
    if isinstance(item, Rejected):
        return item.device_id, -1 if item.boot is None else item.boot
    return item.observation.device_id, item.observation.boot


def _reason(error: Exception) -> str:
    """Why the database counts as away, as its own words have it where there are any."""
    if isinstance(error, TimeoutError):
        return f"no answer within {RECORD_S_MAX:g} s"
    return str(error.__cause__ or error).strip()


def _refuse(batch: Sequence[_Group]) -> None:
    """Tell those who wait that nothing was kept, so that they send again."""
    for group in batch:
        if not group.done.done():
            group.done.set_exception(Unavailable("intake.failed", retry_after_s=DRAIN_RETRY_S))
            group.done.exception()  # Drivers that wait for nobody would leave it unseen.


def _runs(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """Neighbours of one site together, so that numbers only ever grow."""
    runs: list[tuple[str, list[Entry]]] = []
    for entry in entries:
        if runs and runs[-1][0] == entry.site_id:
            runs[-1][1].append(entry)
        else:
            runs.append((entry.site_id, [entry]))
    return runs
