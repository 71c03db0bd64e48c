"""Work that ends in order when a signal asks for it."""

import asyncio
import os
import signal

from app.signals import STOPPED, until_stopped


async def test_work_that_ends_by_itself_gives_its_own_result() -> None:
    async def work() -> int:
        return 0

    assert await until_stopped(work(), lambda _: None, STOPPED) == 0


async def test_a_signal_cancels_the_work_and_waits_until_it_has_tidied_up() -> None:
    told: list[str] = []
    has_tidied_up = False

    async def work() -> int:
        nonlocal has_tidied_up
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            has_tidied_up = True
        return 0

    assert await until_stopped(work(), told.append, STOPPED) == STOPPED
    assert has_tidied_up
    assert told == ["stopping …"]
