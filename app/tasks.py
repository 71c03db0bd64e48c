"""Long-running work, restarted when it fails, visible to the health routes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

PAUSE_S_MIN = 0.2
PAUSE_S_MAX = 10.0
STEADY_S = 60.0
"""Work that ran this long before it failed starts again with the shortest pause."""

Work = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass
class TaskState:
    """How a task is doing. `failure` is the kind of its last error; the log has the rest, which may hold
    data that not everybody who asks for health may see."""

    name: str
    running: bool = False
    ended: bool = False
    restart_count: int = 0
    failure: str = ""

    @property
    def well(self) -> bool:
        return self.running or self.ended


class Tasks:
    """Runs named work. Each is started again when it raises, with pauses that double up to `PAUSE_S_MAX`.

    `vital` work is not: when it raises, `broken` is set to its error, and the program must end.
    """

    def __init__(self) -> None:
        self._states: dict[str, TaskState] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.broken: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    @property
    def states(self) -> Mapping[str, TaskState]:
        return self._states

    def start(self, name: str, work: Work, *, vital: bool = False) -> None:
        """Start `work` under a name that is not taken."""
        if name in self._states:
            raise ValueError(f"a task named {name} is there already")
        state = self._states[name] = TaskState(name)
        run = self._run_vital(state, work) if vital else self._run(state, work)
        self._tasks.append(asyncio.create_task(run, name=name))

    async def stop(self, within_s: float) -> None:
        """Cancel all work and wait for it; what does not end `within_s` is left behind and logged.

        Work that still runs half-way is asked once more, for a cancellation can get lost: `asyncio.wait_for`
        of Python 3.11 drops it when what it waits for ends in the same moment.
        """
        running = set(self._tasks)
        for _ in range(2):
            for task in running:
                task.cancel()
            if running:
                _, running = await asyncio.wait(running, timeout=within_s / 2)
        if running:
            log.error("tasks.stuck", names=sorted(task.get_name() for task in running))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(PAUSE_S_MAX)

    async def _run(self, state: TaskState, work: Work) -> None:
        clock, pause_s = asyncio.get_running_loop().time, PAUSE_S_MIN
        while not state.ended:
            begun = clock()
            try:
                await self._once(state, work)
            except Exception as error:
                state.failure = type(error).__name__
                state.restart_count += 1
                pause_s = PAUSE_S_MIN if clock() - begun > STEADY_S else min(pause_s * 2, PAUSE_S_MAX)
                log.error("task.failed", task=state.name, pause_s=pause_s, exc_info=error)
                await asyncio.sleep(pause_s)

    async def _run_vital(self, state: TaskState, work: Work) -> None:
        try:
            await self._once(state, work)
        except Exception as error:
            state.failure = type(error).__name__
            log.critical("task.gave_up", task=state.name, exc_info=error)
            if not self.broken.done():
                self.broken.set_result(error)

    async def _once(self, state: TaskState, work: Work) -> None:
        state.running = True
        try:
            await work()
            state.ended = True
        finally:
            state.running = False
