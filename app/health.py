"""`/health/live`: the program runs. `/health/ready`: it can do its work. `/metrics`: figures for Prometheus.

Anybody may ask; the answers hold no data of any party.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Response
from fastapi.responses import FileResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.tasks import Tasks, TaskState
from identity.http import Desk, Public

CHECK_WITHIN_S = 2.0

Check = Callable[[], Awaitable[bool]]
Anybody = Annotated[Desk, Depends(Public())]

log = structlog.get_logger(__name__)


class TaskView(BaseModel):
    """One task of the program."""

    name: str
    well: bool
    restarts: int
    failure: str


class ReadyView(BaseModel):
    """`ready` only when every check passed and every task is well."""

    ready: bool
    checks: dict[str, bool]
    tasks: list[TaskView]


class Health:
    """Knows what the program depends on. Checks are added as parts start."""

    def __init__(self, tasks: Iterable[Tasks] = ()) -> None:
        self._checks: dict[str, Check] = {}
        self._tasks = list(tasks)
        self.metrics = CollectorRegistry()
        self.metrics.register(_TaskMetrics(self))

    def add_check(self, name: str, check: Check) -> None:
        """`check` answers within `CHECK_WITHIN_S`, or counts as failed; raising counts as failed too."""
        self._checks[name] = check

    def add_gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A figure that `value` tells whenever Prometheus asks."""
        Gauge(name, text, registry=self.metrics).set_function(value)

    def states(self) -> list[TaskState]:
        return [state for tasks in self._tasks for state in tasks.states.values()]

    async def ready(self) -> ReadyView:
        """Ask every check at once."""
        names = list(self._checks)
        passed = await asyncio.gather(*(self._ask(name) for name in names))
        states = self.states()
        return ReadyView(
            ready=all(passed) and all(state.well for state in states),
            checks=dict(zip(names, passed, strict=True)),
            tasks=[
                TaskView(name=s.name, well=s.well, restarts=s.restart_count, failure=s.failure)
                for s in states
            ],
        )

    async def _ask(self, name: str) -> bool:
        try:
            async with asyncio.timeout(CHECK_WITHIN_S):
                return await self._checks[name]()
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the answer is no, and the log says why
            log.warning("health.check_failed", check=name, reason=f"{type(error).__name__}: {error}")
            return False


def health_router(health: Health, authority: Path | None = None) -> APIRouter:
    """The three routes, and `/ca.crt` where this program made its own authority."""
    router = APIRouter(tags=["health"])

    @router.get("/health/live")
    async def live(_: Anybody) -> Mapping[str, bool]:
        return {"live": True}

    @router.get("/health/ready", responses={503: {"model": ReadyView}})
    async def ready(_: Anybody, response: Response) -> ReadyView:
        view = await health.ready()
        response.status_code = 200 if view.ready else 503
        return view

    @router.get("/metrics", response_class=Response)
    async def metrics(_: Anybody) -> Response:
        return Response(generate_latest(health.metrics), media_type=CONTENT_TYPE_LATEST)

    if authority is not None:

        @router.get("/ca.crt", response_class=Response)
        async def local_authority(_: Anybody) -> Response:
            return FileResponse(
                authority, media_type="application/x-x509-ca-cert", filename="tallyhouse-ca.crt"
            )

    return router


class RequestMetrics:
    """Counts and times every HTTP answer, by route pattern: a path would make a series of every id."""

    def __init__(self, app: ASGIApp, health: Health) -> None:
        self._app = app
        names = ("method", "route", "status")
        self._answers = Counter("tallyhouse_http_answers", "HTTP answers", names, registry=health.metrics)
        self._seconds = Histogram(
            "tallyhouse_http_seconds", "Time to answer, in seconds", names[:2], registry=health.metrics
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, clock = 500, asyncio.get_running_loop().time
        begun = clock()

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            pattern = getattr(scope.get("route"), "path", "other")
            self._answers.labels(scope["method"], pattern, status).inc()
            self._seconds.labels(scope["method"], pattern).observe(clock() - begun)


class _TaskMetrics(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterable[GaugeMetricFamily]:
        well = GaugeMetricFamily("tallyhouse_task_well", "1 while a task runs", labels=["task"])
        restarts = GaugeMetricFamily("tallyhouse_task_restarts", "Restarts since start", labels=["task"])
        for state in self._health.states():
            well.add_metric([state.name], 1.0 if state.well else 0.0)
            restarts.add_metric([state.name], float(state.restart_count))
        return [well, restarts]
