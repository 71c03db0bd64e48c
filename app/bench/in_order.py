"""The same world on a line that was never cut."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

from app.bench.cut_run import HOUR_S, clock_of
from app.bench.entering import enter_paper, enter_site
from app.bench.twins import Twin, read_twin
from app.bench.watch import BENCH, Watch, opened
from app.simulate.site import SimulatedSite
from devices.api import record
from devices.ingest.model import Received
from kernel.clock import Clock
from kernel.messages import Observation

RECORD_READINGS = 2_000
BEHIND_READINGS_MAX = 20_000


async def run_in_order(
    site: SimulatedSite, app_dsn: str, days: int, end_s: float, clock: Clock, say: Callable[[str], None]
) -> Twin:
    """Run the world until `end_s`, each hour's readings recorded in the order of time; `days` is for how long
    the journal has partitions. The centre at `app_dsn` must be folding."""
    await enter_site(app_dsn, site, days)
    async with AsyncExitStack() as stack:
        database = await opened(stack, app_dsn, clock)
        watch = await stack.enter_async_context(Watch(app_dsn, clock, site.layout.site_id))
        said: list[Received] = []
        papers: list[Any] = []

        def take(observation: Observation, arrived_at: datetime) -> None:
            said.append(Received(observation=observation, received_at=arrived_at))

        product = site.product(take, papers.append)
        while site.world.time_s < end_s:
            site.run_until(min(end_s, site.world.time_s + HOUR_S), product)
            async with database.write(BENCH) as tx:
                for paper in papers:
                    await enter_paper(tx, site.layout.site_id, paper)
            said.sort(key=_order)
            for first in range(0, len(said), RECORD_READINGS):
                async with database.write(BENCH) as tx:
                    await record(tx, site.layout.site_id, said[first : first + RECORD_READINGS])
            said.clear()
            papers.clear()
            await watch.until_behind(BEHIND_READINGS_MAX)
        await watch.until_behind(0)
        say(f"in order until {clock_of(site)}: {await watch.stored():,} readings stored and folded")
        return await read_twin(database)


def _order(received: Received) -> tuple[datetime, str, int, int]:
    seen = received.observation
    return seen.observed_at, seen.device_id, seen.boot, seen.sequence
