"""Jobs on a real queue: run at the start, run by the queue, once however many workers there are."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from app.database import Database
from app.health import Health
from app.jobs import ANSWERS_KEPT, JOBS, Job, forget_answers, job_queue, run_job, run_jobs
from app.jobs_schema import migrations_between, settle_jobs_schema
from app.parts import Parts
from app.refusals import Refusals
from app.settings import Settings
from app.tasks import Tasks
from app.wake import Wake
from kernel.clock import ManualClock
from kernel.errors import Conflict
from kernel.ids import Ids
from kernel.tx import Tx

INSERT_ANSWER = (
    "INSERT INTO app.idempotency VALUES ('person-1', %(key)s, 'AddParty', 'digest', 'null', %(at)s)"
)
KEYS = "SELECT key FROM app.idempotency ORDER BY key"
DAYS = """
    SELECT count(*) AS count FROM pg_inherits
    WHERE inhparent = 'devices.observation'::regclass
        AND inhrelid <> 'devices.observation_default'::regclass"""


@pytest.fixture
async def parts(database_server, tmp_path: Path, clock: ManualClock, ids: Ids) -> AsyncIterator[Parts]:
    """Everything a job needs, on a database of its own, since jobs commit."""
    async with database_server.copy() as server:
        database = Database(server.app_dsn, clock, ids)
        await database.open()
        yield Parts(
            settings=Settings(data_dir=tmp_path),
            clock=clock,
            ids=ids,
            owner_dsn=server.owner_dsn,
            app_dsn=server.app_dsn,
            database=database,
            web_database=database,
            refusals=Refusals(clock),
            wake=Wake(server.app_dsn),
            health=Health(),
            broker=None,
            broker_address=None,
        )
        await database.close()


async def rows(parts: Parts, sql: str) -> list[tuple]:
    assert parts.owner_dsn is not None
    async with await psycopg.AsyncConnection.connect(parts.owner_dsn) as connection:
        return await (await connection.execute(sql.encode())).fetchall()


async def test_answers_are_forgotten_only_when_they_are_old_enough(tx: Tx, clock: ManualClock) -> None:
    for key, age in [("old", ANSWERS_KEPT + timedelta(seconds=1)), ("kept", ANSWERS_KEPT)]:
        await tx.run(INSERT_ANSWER, {"key": key, "at": clock.now() - age})
    await forget_answers(tx)
    assert [row["key"] for row in await tx.rows(KEYS)] == ["kept"]


async def test_a_fresh_start_has_the_partitions_of_the_days_to_come(parts: Parts, until) -> None:

    async def made() -> bool:
        return await rows(parts, DAYS) == [(7,)]

    async with Tasks() as tasks:
        tasks.start("work.jobs", lambda: run_jobs(parts))
        await until(made)


async def test_a_queued_job_runs_once_however_many_workers_there_are(parts: Parts, until) -> None:
    ran: list[int] = []

    async def note(_: Tx) -> None:
        ran.append(1)

    job = Job("test.note", "0 0 1 1 *", note)
    queue = job_queue(parts, (job,))
    async with queue.open_async():
        await queue.tasks["test.note"].defer_async(timestamp=0)
        workers = [
            asyncio.create_task(queue.run_worker_async(wait=False, install_signal_handlers=False))
            for _ in range(3)
        ]
        await asyncio.gather(*workers)
    assert ran == [1]


async def test_a_job_that_fails_leaves_nothing_half_done_and_is_tried_again(parts: Parts) -> None:
    async def half(tx: Tx) -> None:
        await tx.run(INSERT_ANSWER, {"key": "half", "at": tx.now})
        raise RuntimeError("cut in the middle")

    job = Job("test.half", "0 0 1 1 *", half)
    queue = job_queue(parts, (job,))
    async with queue.open_async():
        await queue.tasks["test.half"].defer_async(timestamp=0)
        await queue.run_worker_async(wait=False, install_signal_handlers=False)
    assert await rows(parts, KEYS) == []
    assert await rows(parts, "SELECT status::text, attempts FROM jobs.procrastinate_jobs") == [("todo", 1)]


async def test_every_job_can_be_repeated_harmlessly(parts: Parts) -> None:
    for job in JOBS:
        await run_job(parts, job)
    before = await rows(parts, DAYS)
    for job in JOBS:
        await run_job(parts, job)
    assert await rows(parts, DAYS) == before


async def test_the_queue_of_a_newer_release_is_refused(parts: Parts) -> None:
    assert parts.owner_dsn is not None
    async with await psycopg.AsyncConnection.connect(parts.owner_dsn) as connection:
        await connection.execute("UPDATE jobs.applied_version SET version = '99.0.0'")
        with pytest.raises(Conflict, match=r"migrate\.jobs_newer"):
            await settle_jobs_schema(connection)


async def test_an_older_queue_gets_exactly_the_migrations_in_between() -> None:
    assert migrations_between("3.1.0", "3.3.0") == [
        "03.02.00_01_pre_batch_defer_jobs.sql",
        "03.02.00_50_post_batch_defer_jobs.sql",
        "03.03.00_01_pre_priority_lock_fetch_job.sql",
    ]
    assert migrations_between("3.10.0", "3.10.0") == []


def test_parts_cannot_be_changed_after_the_start(parts: Parts) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        parts.app_dsn = "elsewhere"
