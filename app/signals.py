"""Ending in order when a person or the system asks for it."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

STOPPED: Final = 130
"""The exit code of work that was stopped, as shells have it for Ctrl-C."""

Result = TypeVar("Result")


def stop_signal() -> asyncio.Future[None]:
    """Done at the first SIGTERM or SIGINT; later ones change nothing: the stop is bounded anyway."""
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()

    def ask() -> None:
        if not stop.done():
            stop.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)
    return stop


async def until_stopped(
    work: Coroutine[Any, Any, Result], say: Callable[[str], None], otherwise: Result
) -> Result:
    """What `work` returns, or `otherwise` when a signal comes first: then the work is cancelled, and ends all
    that it has started before this returns."""
    stop = stop_signal()
    task = asyncio.create_task(work)
    both: set[asyncio.Future[Any]] = {task, stop}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        say("stopping …")
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return otherwise
