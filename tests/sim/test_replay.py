"""A small site that is cut from the centre and comes back: nothing lost, in order, and the twin of no cut."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest

from app.bench.cut_run import Outcome, Plan, run_cut
from app.bench.in_order import run_in_order
from app.bench.replay import checks, midnight_before
from app.bench.twins import Twin, compare
from app.database import Database
from app.folding import Fold
from app.simulate.scenario import read_scenario
from app.simulate.site import SimulatedSite
from app.tasks import Tasks
from app.wake import Wake
from devices.api import journal_after, journal_sites
from kernel.clock import SystemClock
from kernel.ids import Ids
from tests.conftest import TestServer
from tests.unit.simulators.test_warehouse_world import SMALL
from twin.api import apply

SEED = 11
BUSY = {**SMALL, "flow": {"pallets_in": 120, "pallets_out": 120, "relocations": 24, "pallets_a_truck": 10}}
"""Trucks come and go within an hour."""
# A forklift tells its places every five seconds.
PLAN = Plan(
    scenario=msgspec.structs.replace(read_scenario("quiet_week"), changes=BUSY),
    before=7.0,
    cut=1.0,
    buffer=1.0,
    live_s=6.0,
)


def silent(_: str) -> None:
    pass


@asynccontextmanager
async def folding(app_dsn: str) -> AsyncIterator[None]:
    """The role `fold`, within this process."""
    clock, wake = SystemClock(), Wake(app_dsn)
    database = Database(app_dsn, clock, Ids.unguessable(clock))
    await database.open()
    fold = Fold(database, wake, sites=journal_sites, journal_after=journal_after, apply=apply)
    try:
        async with Tasks() as tasks:
            tasks.start("fold", fold.run)
            tasks.start("wake", wake.run)
            yield
    finally:
        await database.close()


def a_site() -> SimulatedSite:
    start = midnight_before(SystemClock().now() - timedelta(days=PLAN.days))
    return SimulatedSite(PLAN.scenario, SEED, PLAN.days, start)


@pytest.fixture(scope="module")
async def outcome(database_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    async with database_server.copy() as server, folding(server.app_dsn):
        return await run_cut(
            PLAN, a_site(), server.app_dsn, tmp_path_factory.mktemp("edge"), SystemClock(), silent
        )


@pytest.fixture(scope="module")
async def in_order(database_server: TestServer, outcome: Outcome) -> Twin:
    async with database_server.copy() as server, folding(server.app_dsn):
        return await run_in_order(a_site(), server.app_dsn, PLAN.days, outcome.end_s, SystemClock(), silent)


def test_nothing_that_was_acknowledged_is_lost_or_doubled_and_each_device_is_in_order(
    outcome: Outcome,
) -> None:
    settled = outcome.settled
    assert settled.acknowledged > outcome.cut.readings + outcome.buffer.readings > 0
    assert (settled.lost, settled.out_of_order, settled.unasked) == (0, 0, 0)


def test_handhelds_kept_their_scans_and_live_readings_came_while_the_site_caught_up(outcome: Outcome) -> None:
    assert outcome.cut.scans + outcome.buffer.scans > 0
    assert outcome.cut.live > 0
    assert outcome.buffer.live > 0


def test_the_twin_is_the_one_of_the_same_readings_in_order(outcome: Outcome, in_order: Twin) -> None:
    tables = compare(outcome.twin, in_order)
    assert [name for name, table in tables.items() if not table["is_equal"]] == []
    assert {name for name, table in tables.items() if table["rows"]} >= {
        *("unit", "lot", "track", "stay", "crossing", "weighing", "alarm", "vehicle")
    }


def test_a_twin_that_differs_is_told_by_table(outcome: Outcome) -> None:
    other = {**outcome.twin, "unit": outcome.twin["unit"][1:]}
    tables = compare(outcome.twin, other)
    assert tables["unit"]["only_here"] == [outcome.twin["unit"][0].decode()]
    equal = next(check for check in checks(outcome, tables) if check.name == "replay.state_equal")
    assert equal.ok is False
    assert equal.how.endswith("other: unit")
