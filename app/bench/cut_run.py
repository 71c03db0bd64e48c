"""A site behind a line that is cut and mended: how it catches up, and what becomes of its readings."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import msgspec
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app.bench.cuttable import CuttableLine
from app.bench.entering import enter_site
from app.bench.ledger import Settled
from app.bench.remote import EdgeAtWork, Live, RemoteSite
from app.bench.twins import Twin, read_twin
from app.bench.watch import Watch, opened
from app.database import Database
from app.settings import Settings
from app.simulate.scenario import Scenario
from app.simulate.site import SimulatedSite
from kernel.clock import Clock

HOUR_S = 3_600.0
LATE_S = 300.0
"""A site that has not caught up this long after the bound is given up."""
SPEEDUP_MIN = 10.0
Say = Callable[[str], None]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the world goes through, in hours: `before` with the line whole, cut for `cut`, whole until all is
    caught up, cut for `buffer`, whole again until all is caught up."""

    scenario: Scenario
    before: float = 7.0
    cut: float = 8.0
    buffer: float = 7 * 24.0
    live_s: float = 20.0
    """Live readings go on for this long at least, in seconds."""

    @property
    def days(self) -> int:
        """Days of the world that it takes, with room for catching up."""
        return int((self.before + self.cut + self.buffer) / 24) + 2


class CaughtUp(msgspec.Struct, frozen=True, kw_only=True):
    """How a site caught up after a cut of `span_s`. Seconds count from the mending of the line; `live_…_s`
    are delays of live readings, those after the edge had noticed it, from handing in to the answer and to
    the twin."""

    span_s: float
    readings: int
    scans: int
    noticed_s: float
    stored_s: float
    folded_s: float
    live: int
    live_answered_worst_s: float
    live_twin_median_s: float
    live_twin_worst_s: float

    @property
    def speedup(self) -> float:
        """By how much faster than live what was kept came to the twin."""
        return self.span_s / self.folded_s


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the world went through behind the line that was cut. `end_s` is how long it ran."""

    cut: CaughtUp
    buffer: CaughtUp
    settled: Settled
    twin: Twin
    end_s: float


async def run_cut(
    plan: Plan, site: SimulatedSite, app_dsn: str, folder: Path, clock: Clock, say: Say
) -> Outcome:
    """Take the site through its plan. The centre at `app_dsn` must be folding."""
    async with AsyncExitStack() as stack:
        running = await _CutRun.begin(stack, plan, site, app_dsn, folder, clock, say)
        cut_s = (plan.before + plan.cut) * HOUR_S
        await running.whole_until(plan.before * HOUR_S)
        await running.cut_until(cut_s, half_way_s=(plan.before + plan.cut / 2) * HOUR_S)
        cut = await running.catch_up("after the cut", cut_s - plan.before * HOUR_S)
        from_s = site.world.time_s
        await running.cut_until(from_s + plan.buffer * HOUR_S)
        buffer = await running.catch_up("after the long cut", plan.buffer * HOUR_S)
        await running.whole_until(site.world.time_s)
        await running.watch.until_behind(0)
        live = [live.reading for live in running.remote.live]
        settled = await running.remote.ledger.settle(running.centre, site.layout.site_id, live)
        return Outcome(
            cut=cut(settled),
            buffer=buffer(settled),
            settled=settled,
            twin=await read_twin(running.centre),
            end_s=site.world.time_s,
        )


class _CutRun:
    def __init__(
        self,
        site: SimulatedSite,
        centre: Database,
        line: CuttableLine,
        edge: EdgeAtWork,
        watch: Watch,
        clock: Clock,
        say: Say,
        live_s: float,
    ) -> None:
        self.centre = centre
        self.remote = RemoteSite(site, centre, clock, edge)
        self._site = site
        self._line = line
        self._edge = edge
        self._clock = clock
        self._say = say
        self._live_s = live_s
        self.watch = watch

    @classmethod
    async def begin(
        cls,
        stack: AsyncExitStack,
        plan: Plan,
        site: SimulatedSite,
        app_dsn: str,
        folder: Path,
        clock: Clock,
        say: Say,
    ) -> "_CutRun":
        """Enter the site at the centre, and open its edge behind the line."""
        await enter_site(app_dsn, site, plan.days)
        where = conninfo_to_dict(app_dsn)
        line = await stack.enter_async_context(CuttableLine(str(where["host"]), int(str(where["port"]))))
        centre = await opened(stack, app_dsn, clock)
        distant = await opened(stack, make_conninfo(app_dsn, host="127.0.0.1", port=line.port), clock)
        capacity_bytes = Settings.model_fields["spool_capacity_mb"].default * 1_000_000
        edge = EdgeAtWork(distant, folder / "spool.sqlite3", capacity_bytes)
        await stack.enter_async_context(edge)
        watch = await stack.enter_async_context(Watch(app_dsn, clock, site.layout.site_id))
        running = cls(site, centre, line, edge, watch, clock, say, plan.live_s)
        watching = asyncio.create_task(running.watch.run())
        stack.callback(watching.cancel)
        return running

    async def whole_until(self, world_s: float) -> None:
        """Let the world run with the line whole, and the twin follow."""
        self.remote.begin(f"whole until {world_s:.0f} s")
        await self.remote.run_until(world_s)
        await self.remote.settle()
        await self.watch.until_behind(0)
        self._say(f"line whole until {clock_of(self._site)}: {await self.watch.stored():,} readings stored")

    async def cut_until(self, world_s: float, half_way_s: float | None = None) -> None:
        """Cut the line and let the world run; half-way the edge is killed and started again."""
        self._line.cut()
        self.remote.is_cut = True
        self.remote.begin(f"cut until {world_s:.0f} s")
        if half_way_s is not None:
            await self.remote.run_until(half_way_s)
            await self.remote.restart_edge()
        await self.remote.run_until(world_s)
        await self.remote.settle()
        self._say(
            f"line cut until {clock_of(self._site)}: {self._edge.spool.entry_count:,} readings kept by the"
            f" edge, {self.remote.scans_kept:,} scans by handhelds"
        )

    async def catch_up(self, part: str, span_s: float) -> Callable[[Settled], CaughtUp]:
        """Mend the line and go on live until what was kept is in the twin. What the edge heard before it had
        noticed that is kept like all before; how long live readings waited is known when their positions are.
        """
        remote, spool = self.remote, self._edge.spool
        readings, scans, first_live = spool.entry_count, remote.scans_kept, len(remote.live)
        await self._line.mend()
        remote.is_cut = False
        remote.begin(part, mended=True)
        progress = _Progress(
            self._clock,
            self.watch,
            lambda: spool.entry_count,
            readings=readings,
            span_s=span_s,
            live_s=self._live_s,
        )
        await remote.live_until(progress.is_over)
        noticed_at = progress.noticed_at
        assert noticed_at is not None, "something was kept"
        live = [one for one in remote.live[first_live:] if one.handed_at >= noticed_at]
        self._say(
            f"{readings:,} readings in the twin {progress.folded_s:.1f} s after the line was mended,"
            f" {span_s / progress.folded_s:,.0f} times as fast as they came"
        )

        def caught_up(settled: Settled) -> CaughtUp:
            delays = sorted(_to_twin_s(live, settled, self.watch)) or [0.0]
            return CaughtUp(
                span_s=span_s,
                readings=readings + scans,
                scans=scans,
                noticed_s=progress.noticed_s,
                stored_s=progress.stored_s,
                folded_s=progress.folded_s,
                live=len(live),
                live_answered_worst_s=max(map(_answered_s, live), default=0.0),
                live_twin_median_s=delays[len(delays) // 2],
                live_twin_worst_s=delays[-1],
            )

        return caught_up


def _to_twin_s(live: list[Live], settled: Settled, watch: Watch) -> list[float]:
    return [(watch.folded_at(settled.positions[one.reading]) - one.handed_at).total_seconds() for one in live]


def _answered_s(live: Live) -> float:
    assert live.answered_at is not None, "waited for"
    return (live.answered_at - live.handed_at).total_seconds()


def clock_of(site: SimulatedSite) -> str:
    """Where the world stands, for people."""
    day, second = divmod(site.world.time_s, 24 * HOUR_S)
    return f"day {day + 1:.0f}, {second // HOUR_S:02.0f}:{second % HOUR_S // 60:02.0f}"


class _Progress:
    """Asked again and again while a site catches up: notes when what was kept is stored, and folded."""

    def __init__(
        self,
        clock: Clock,
        watch: Watch,
        left: Callable[[], int],
        *,
        readings: int,
        span_s: float,
        live_s: float,
    ) -> None:
        self._clock = clock
        self._watch = watch
        self._left = left
        self._readings = self._most = readings
        self._began = clock.now()
        self.noticed_at: datetime | None = None
        self._late_s = span_s / SPEEDUP_MIN + LATE_S
        self._live_s = live_s
        self._through = 0
        self.noticed_s = self.stored_s = self.folded_s = 0.0

    async def is_over(self) -> bool:
        """Whether all is in the twin, and live readings had their time. Raises TimeoutError when that takes
        so long that no bound can hold."""
        passed_s = (self._clock.now() - self._began).total_seconds()
        if self.noticed_at is None and self._left() < self._most:
            self.noticed_at, self.noticed_s = self._clock.now(), passed_s
        self._most = max(self._most, self._left())
        if not self.stored_s and self._left() == 0:
            self.stored_s = passed_s
            self._through = await self._watch.stored()
        if self.stored_s and not self.folded_s and await self._watch.folded() >= self._through:
            self.folded_s = passed_s
        if not self.folded_s and passed_s > self._late_s:
            raise TimeoutError(f"{self._left():,} of {self._readings:,} kept readings left")
        return self.folded_s > 0 and passed_s >= self._live_s
