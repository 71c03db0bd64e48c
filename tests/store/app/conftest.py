"""Waiting on a condition, with a bound."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

WITHIN_S = 60.0
LOOK_EVERY_S = 0.05

Until = Callable[[Callable[[], Awaitable[bool] | bool]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """`await until(condition)`: returns when the condition holds, fails the test after a minute."""

    async def wait(condition: Callable[[], Awaitable[bool] | bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while True:
                held = condition()
                if held if isinstance(held, bool) else await held:
                    return
                await asyncio.sleep(LOOK_EVERY_S)

    return wait
