"""A site that is cut from the centre and comes back: what is lost, how fast it catches up, what the twin is.

One world, twice. First behind a line that is cut for eight hours and then for days, with live readings going
on in real time whenever it is whole. Then on a line that was never cut, its readings recorded in the order of
time. Both twins have to be the same.
"""

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from app.bench.cut_run import HOUR_S, SPEEDUP_MIN, CaughtUp, Outcome, Plan, run_cut
from app.bench.in_order import run_in_order
from app.bench.stand import Stand
from app.bench.twins import compare
from app.report import Check, Report, make_report
from app.simulate.scenario import read_scenario
from app.simulate.site import SimulatedSite
from kernel.clock import SystemClock

SCENARIO, SEED = "quiet_week", 1
LIVE_S_MAX = 2.0
MIDNIGHT_UTC_H = 16
"""Of the site's own zone."""

Say = Callable[[str], None]


async def bench_replay(say: Say, days: int = 7) -> Report:
    """Cut a site off for eight hours and for `days`, and compare with one that never was."""
    clock = SystemClock()
    started_at = clock.now()
    plan = Plan(scenario=read_scenario(SCENARIO), buffer=days * 24.0)
    start = midnight_before(started_at - timedelta(days=plan.days))
    with tempfile.TemporaryDirectory(prefix="tallyhouse-bench-") as folder:
        site = SimulatedSite(plan.scenario, SEED, plan.days, start)
        async with Stand(Path(folder), site.layout.site_id) as stand, stand.role("fold"):
            outcome = await run_cut(plan, site, stand.app_dsn, Path(folder) / "edge", clock, say)
    with tempfile.TemporaryDirectory(prefix="tallyhouse-bench-") as folder:
        site = SimulatedSite(plan.scenario, SEED, plan.days, start)
        async with Stand(Path(folder), site.layout.site_id) as stand, stand.role("fold"):
            twin = await run_in_order(site, stand.app_dsn, plan.days, outcome.end_s, clock, say)
    tables = compare(outcome.twin, twin)
    return make_report(
        "bench.replay",
        seed=SEED,
        started_at=started_at,
        checks=checks(outcome, tables),
        detail={
            "scenario": SCENARIO,
            "days": days,
            "cut": _figures(outcome.cut),
            "buffer": _figures(outcome.buffer),
            "settled": {
                name: value
                for name, value in msgspec.structs.asdict(outcome.settled).items()
                if name != "positions"
            },
            "tables": tables,
        },
        environment={"postgres": "embedded", "timescale": False},
    )


def midnight_before(moment: datetime) -> datetime:
    """The last midnight of the site's own zone."""
    midnight = moment.replace(hour=MIDNIGHT_UTC_H, minute=0, second=0, microsecond=0)
    return midnight if midnight <= moment else midnight - timedelta(days=1)


def _figures(caught_up: CaughtUp) -> dict[str, Any]:
    figures = msgspec.structs.asdict(caught_up)
    live_per_s = caught_up.readings / caught_up.span_s
    return {
        **{name: round(value, 3) for name, value in figures.items()},
        "live_per_s": round(live_per_s, 3),
        "replayed_per_s": round(caught_up.readings / caught_up.folded_s, 3),
        "speedup": round(caught_up.speedup, 3),
    }


def checks(outcome: Outcome, tables: dict[str, dict[str, Any]]) -> list[Check]:
    """The figures against their bounds."""
    settled, buffer = outcome.settled, outcome.buffer
    differing = [name for name, table in tables.items() if not table["is_equal"]]
    return [
        Check(
            name="site.cut_lost",
            value=settled.lost,
            unit="readings",
            bound="= 0",
            ok=settled.lost == settled.out_of_order == settled.unasked == 0,
            how=f"of {settled.acknowledged:,} acknowledged readings, before, in and after cuts, with the edge"
            f" killed in one; {settled.out_of_order} out of the order of their device, {settled.unasked} that"
            " nobody handed in",
        ),
        Check(
            name="replay.speedup",
            value=round(buffer.speedup, 1),
            unit="ratio",
            bound=f">= {SPEEDUP_MIN:.0f}",
            ok=buffer.speedup >= SPEEDUP_MIN and buffer.live_twin_worst_s <= LIVE_S_MAX,
            how=f"{buffer.readings:,} readings of {buffer.span_s / HOUR_S:.0f} hours to the twin, against the"
            f" rate at which they came; {buffer.live:,} live ones meanwhile, the slowest"
            f" {buffer.live_twin_worst_s:.2f} s from the edge to the twin (at most {LIVE_S_MAX:.0f})",
        ),
        Check(
            name="replay.state_equal",
            value=float(not differing),
            unit="held",
            bound="= 1",
            ok=not differing,
            how="all that the twin derives, against a twin of the same readings recorded in order"
            + (f"; other: {', '.join(differing)}" if differing else ""),
        ),
    ]
