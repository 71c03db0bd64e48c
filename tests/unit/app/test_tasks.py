import asyncio

import pytest

from app import tasks as module
from app.tasks import Tasks


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_S_MIN", 0.001)


async def until_ended(tasks: Tasks, name: str) -> None:
    async with asyncio.timeout(30):
        while not tasks.states[name].ended:
            await asyncio.sleep(0.001)


async def test_work_that_fails_is_started_again_until_it_ends_well() -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)
        if len(begun) < 4:
            raise ValueError(f"try {len(begun)}")

    async with Tasks() as tasks:
        tasks.start("work", work)
        await until_ended(tasks, "work")
        state = tasks.states["work"]
    assert (len(begun), state.restart_count, state.failure, state.well) == (4, 3, "ValueError", True)


async def test_one_failing_work_does_not_disturb_another() -> None:
    going = asyncio.Event()

    async def fails() -> None:
        raise RuntimeError

    async def goes() -> None:
        await going.wait()

    async with Tasks() as tasks:
        tasks.start("fails", fails)
        tasks.start("goes", goes)
        async with asyncio.timeout(30):
            while tasks.states["fails"].restart_count < 3:
                await asyncio.sleep(0.001)
        assert tasks.states["goes"].running
        going.set()
        await until_ended(tasks, "goes")


async def test_vital_work_that_fails_is_not_started_again_and_breaks_the_program() -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)
        raise ConnectionError("gone")

    async with Tasks() as tasks:
        tasks.start("vital", work, vital=True)
        async with asyncio.timeout(30):
            error = await tasks.broken
        assert str(error) == "gone"
        assert not tasks.states["vital"].well
    assert begun == [1]


async def test_vital_work_that_ends_well_breaks_nothing() -> None:
    async with Tasks() as tasks:
        tasks.start("vital", lambda: asyncio.sleep(0), vital=True)
        await until_ended(tasks, "vital")
        assert not tasks.broken.done()


async def test_a_stop_cancels_all_work_and_waits_for_its_clean_up() -> None:
    cleaned: list[str] = []
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("work")

    async with Tasks() as tasks:
        tasks.start("work", work)
        await begun.wait()
    assert cleaned == ["work"]


async def test_work_that_lost_the_first_cancellation_is_stopped_by_the_second() -> None:
    begun, cancelled = asyncio.Event(), []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
        await asyncio.Event().wait()

    tasks = Tasks()
    tasks.start("work", work)
    await begun.wait()
    await tasks.stop(0.02)
    assert cancelled == [1]
    assert not tasks.states["work"].running


async def test_a_name_is_given_once() -> None:
    async with Tasks() as tasks:
        tasks.start("work", lambda: asyncio.sleep(0))
        with pytest.raises(ValueError, match="is there already"):
            tasks.start("work", lambda: asyncio.sleep(0))
