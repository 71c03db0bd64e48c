"""Work by the clock, in the role `work`: each job runs once per tick, however many programs there are.

procrastinate keeps the queue in the database and hands each job to one worker. A job may run again after a
crash between its own commit and the note that it is done, so each is written to be repeated harmlessly.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple

import structlog
from procrastinate import App, PsycopgConnector, RetryStrategy

from app.jobs_schema import SCHEMA
from app.parts import Parts
from devices.api import make_partitions
from finance.api import close_business_days
from kernel.caller import Caller
from kernel.tx import Tx
from wms.api import lower_forgotten, tell_what_left_unseen

CONCURRENCY = 2
CONNECTIONS_MAX = 4
TRIES_MAX = 5
RETRY_AFTER_S = 10
STOP_WITHIN_S = 4.0
"""A running job gets this long at a stop, less than half of what the program gives all its work."""
ANSWERS_KEPT = timedelta(days=30)
"""A handheld may have been out of reach for weeks; after this its repeated command would run anew."""

FORGET_ANSWERS = "DELETE FROM app.idempotency WHERE answered_at < %(before)s"

log = structlog.get_logger(__name__)


class Job(NamedTuple):
    """`cron` has five fields, in UTC. `run` gets a transaction of its own."""

    name: str
    cron: str
    run: Callable[[Tx], Awaitable[None]]


async def prepare_partitions(tx: Tx) -> None:
    """Days to come get their partition before the first reading of that day arrives."""
    made = await make_partitions(tx, tx.now.date())
    if made:
        log.info("job.partitions_made", count=made)


async def forget_answers(tx: Tx) -> None:
    """Answers to commands that nobody will repeat any more."""
    forgotten = await tx.run(FORGET_ANSWERS, {"before": tx.now - ANSWERS_KEPT})
    if forgotten:
        log.info("job.answers_forgotten", count=forgotten)


JOBS = (
    Job("devices.prepare-partitions", "5 * * * *", prepare_partitions),
    Job("wms.lower-forgotten-booms", "* * * * *", lower_forgotten),
    Job("wms.tell-what-left-unseen", "* * * * *", tell_what_left_unseen),
    Job("app.forget-answers", "35 * * * *", forget_answers),
    Job("finance.close-business-days", "10 * * * *", close_business_days),
)


async def run_jobs(parts: Parts, jobs: tuple[Job, ...] = JOBS) -> None:
    """Run every job now, so that a fresh start lacks nothing, then by the clock until cancelled."""
    for job in jobs:
        await run_job(parts, job)
    queue = job_queue(parts, jobs)
    async with queue.open_async():
        await queue.run_worker_async(
            name="work",
            concurrency=CONCURRENCY,
            install_signal_handlers=False,
            shutdown_graceful_timeout=STOP_WITHIN_S,
            delete_jobs="successful",
        )


async def run_job(parts: Parts, job: Job) -> None:
    """One job in one transaction."""
    async with parts.database.write(Caller.product(job.name)) as tx:
        await job.run(tx)


def job_queue(parts: Parts, jobs: tuple[Job, ...]) -> App:
    """The queue with every job in it; `queueing_lock` keeps a slow job from piling up behind itself."""
    options = f"-c search_path={SCHEMA} -c role=tallyhouse_command"
    connector = PsycopgConnector(
        conninfo=parts.app_dsn, kwargs={"options": options}, min_size=1, max_size=CONNECTIONS_MAX
    )
    queue = App(connector=connector)
    for job in jobs:
        _add(queue, parts, job)
    return queue


def _add(queue: App, parts: Parts, job: Job) -> None:
    retry = RetryStrategy(max_attempts=TRIES_MAX, exponential_wait=RETRY_AFTER_S)

    @queue.periodic(cron=job.cron, periodic_id=job.name)
    @queue.task(name=job.name, queueing_lock=job.name, lock=job.name, retry=retry)
    async def tick(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes the time of the tick
        await run_job(parts, job)
