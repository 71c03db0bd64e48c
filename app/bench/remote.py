"""A simulated site behind a line that can be cut: its devices, its edge, and what they were told to forget.

The world runs as fast as it can while nobody waits, or in real time for what is called live.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import msgspec

from app.bench.entering import enter_paper
from app.bench.ledger import Ledger, Reading
from app.bench.watch import BENCH
from app.database import Database
from app.edge_journal import EdgeJournal
from app.simulate.site import STEP_S, SimulatedSite
from devices.api import record_observations
from devices.ingest.intake import Acks, Intake
from devices.ingest.model import Received
from devices.ingest.spool import Spool
from kernel.clock import Clock
from kernel.messages import Observation

CHUNK_READINGS = 500
CHUNKS_WAITING_MAX = 20
STRIDE_S = 600.0
"""The world runs this far between two times of handing in."""
SCANS_A_BATCH = 100
ANSWER_S_MAX = 120.0
LOOK_EVERY_S = 0.02
ASK_EVERY_S = 0.2


class Live(msgspec.Struct, kw_only=True):
    """A reading that was handed in live, and when it was answered."""

    reading: Reading
    handed_at: datetime
    answered_at: datetime | None = None


class EdgeAtWork:
    """The edge's intake on a spool of its own."""

    def __init__(self, database: Database, path: Path, capacity_bytes: int) -> None:
        self._journal = EdgeJournal(database)
        self.spool = Spool(path, capacity_bytes)
        self._intake: Intake
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.spool.open()
        journal = self._journal
        self._intake = Intake(journal.record, journal.last_counts, journal.behind, self.spool)
        self._task = asyncio.create_task(self._intake.run(), name="intake")
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.spool.close()

    async def put(self, site_id: str, items: Sequence[Received]) -> asyncio.Future[Acks]:
        return await self._intake.put(site_id, items)


class RemoteSite:
    """See the module."""

    def __init__(self, site: SimulatedSite, centre: Database, clock: Clock, edge: EdgeAtWork) -> None:
        """`centre` is reached by the office; by handhelds too, while the line is whole."""
        self._part = ""
        self.ledger = Ledger()
        self.live: list[Live] = []
        self.is_cut = False
        self._site = site
        self._site_id = site.layout.site_id
        self._centre = centre
        self._clock = clock
        self._edge = edge
        self._papers: deque[Any] = deque()
        self._product = site.product(self._take, self._papers.append)
        self._said: deque[Received] = deque()
        self._scans: dict[tuple[str, int], list[Observation]] = defaultdict(list)
        self._answers: set[asyncio.Future[Acks]] = set()
        self._waiting: deque[tuple[asyncio.Future[Acks], Sequence[Received]]] = deque()

    def _take(self, observation: Observation, arrived_at: datetime) -> None:
        if observation.device_id.startswith("pda-"):
            self._scans[observation.device_id, observation.boot].append(observation)
        else:
            self._said.append(Received(observation=observation, received_at=arrived_at))

    def begin(self, part: str, *, mended: bool = False) -> None:
        """Readings are noted under this name from now on."""
        self._part = part
        self.ledger.begin(part, mended=mended)

    @property
    def scans_kept(self) -> int:
        """How many scans handhelds have that nobody acknowledged."""
        return sum(map(len, self._scans.values()))

    # --- as fast as it can ---------------------------------------------------------------------------

    async def run_until(self, world_s: float) -> None:
        """Let the world run to a moment and hand in what its devices say, and what is left to hand in."""
        await self._hand_in()
        while self._site.world.time_s < world_s:
            self._site.run_until(min(world_s, self._site.world.time_s + STRIDE_S), self._product)
            await self._office()
            await self._hand_in()

    async def settle(self) -> None:
        """Wait until everything is acknowledged, but for scans while the line is cut."""
        await self._hand_in()
        while self._waiting:
            await self._answered()

    async def restart_edge(self) -> None:
        """The edge is killed and started again; devices send again what it had not acknowledged."""
        await self._edge.__aexit__()
        await self._edge.__aenter__()
        unanswered = [items for answer, items in self._waiting if not answer.done()]
        kept = [(answer, items) for answer, items in self._waiting if answer.done()]
        self._waiting = deque(kept)
        for items in unanswered:
            self._waiting.append((await self._edge.put(self._site_id, items), items))

    async def _hand_in(self) -> None:
        while self._said:
            items = [self._said.popleft() for _ in range(min(CHUNK_READINGS, len(self._said)))]
            self._waiting.append((await self._edge.put(self._site_id, items), items))
            while len(self._waiting) > CHUNKS_WAITING_MAX:
                await self._answered()
        if not self.is_cut:
            await self._send_scans()

    async def _answered(self) -> None:
        answer, items = self._waiting.popleft()
        async with asyncio.timeout(ANSWER_S_MAX):
            await answer
        self.ledger.note(self._part, (item.observation for item in items))

    async def _office(self) -> None:
        """The office enters its papers at the centre, cut or not."""
        while self._papers:
            async with self._centre.write(BENCH) as tx:
                await enter_paper(tx, self._site_id, self._papers.popleft())

    async def _send_scans(self) -> None:
        """Handhelds send what they keep, in batches, and forget what is acknowledged."""
        for scans in self._scans.values():
            while scans:
                batch = scans[:SCANS_A_BATCH]
                async with self._centre.write(BENCH) as tx:
                    acked = await record_observations(tx, self._site_id, batch)
                if acked.sequence < batch[-1].sequence:
                    raise RuntimeError(f"{batch[-1].device_id}: acknowledged through {acked.sequence} only")
                self.ledger.note(self._part, batch)
                del scans[: len(batch)]

    # --- live ----------------------------------------------------------------------------------------

    async def live_until(self, is_over: Callable[[], Awaitable[bool]]) -> None:
        """Let the world go on in real time, each message handed in at its moment, until told that it is over.
        What was said then but had not arrived is handed in next."""
        loop = asyncio.get_running_loop()
        began, from_s, ask_at = loop.time(), self._site.world.time_s, 0.0
        while True:
            now_s = from_s + loop.time() - began
            if self._site.world.time_s < now_s + STEP_S / 2:
                self._site.run_until(self._site.world.time_s + STEP_S, self._product)
                await self._office()
            await self._let_arrive(self._site.moment(now_s))
            await self._send_scans()
            if loop.time() >= ask_at:
                ask_at = loop.time() + ASK_EVERY_S
                if await is_over():
                    break
            await asyncio.sleep(LOOK_EVERY_S)
        async with asyncio.timeout(ANSWER_S_MAX):
            await asyncio.gather(*self._answers)

    async def _let_arrive(self, now: datetime) -> None:
        arrived = []
        while self._said and self._said[0].received_at <= now:
            arrived.append(self._said.popleft())
        for _, message in groupby(arrived, key=lambda item: (item.observation.device_id, item.received_at)):
            await self._hand_in_live(list(message))

    async def _hand_in_live(self, items: Sequence[Received]) -> None:
        handed_at = self._clock.now()
        observations = [item.observation for item in items]
        live = [
            Live(reading=(seen.device_id, seen.boot, seen.sequence), handed_at=handed_at)
            for seen in observations
        ]
        self.live += live
        answer = await self._edge.put(self._site_id, items)
        self._answers.add(answer)
        answer.add_done_callback(partial(self._note, self._part, observations, live))

    def _note(
        self,
        part: str,
        observations: Iterable[Observation],
        live: Sequence[Live],
        answer: asyncio.Future[Acks],
    ) -> None:
        self._answers.discard(answer)
        if answer.cancelled() or answer.exception() is not None:
            return
        self.ledger.note(part, observations)
        for one in live:
            one.answered_at = self._clock.now()
