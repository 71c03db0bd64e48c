"""Orders to a device that says one thing at a time: its driver carries them out between two readings."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from devices.transport.orders import Order

ERRAND_S_MAX: Final = 30.0
"""How long an order waits for a device that is not spoken to just now."""


class _Errand:
    def __init__(self, order: Order) -> None:
        self.order = order
        self.is_begun = asyncio.Event()
        self.result: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()


class Errands:
    """What waits to be carried out."""

    def __init__(self) -> None:
        self._waiting: deque[_Errand] = deque()
        self._woken = asyncio.Event()

    async def ask(self, order: Order) -> str | None:
        """Have an order carried out; None when it is done, else why not. An order that is not begun within
        `ERRAND_S_MAX` is `unreachable` and forgotten."""
        errand = _Errand(order)
        self._waiting.append(errand)
        self._woken.set()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(ERRAND_S_MAX):
                    await errand.is_begun.wait()
        finally:
            if not errand.is_begun.is_set():
                self._waiting.remove(errand)
        # What was begun in the very moment of giving up goes on.
        return await errand.result if errand.is_begun.is_set() else "unreachable"

    async def carry_out(self, do: Callable[[Order], Awaitable[str | None]]) -> None:
        """Carry out what waits. An order whose `do` raises is `unreachable`, and the error goes on."""
        self._woken.clear()
        while self._waiting:
            errand = self._waiting.popleft()
            errand.is_begun.set()
            failure: str | None = "unreachable"
            try:
                failure = await do(errand.order)
            finally:
                if not errand.result.done():
                    errand.result.set_result(failure)

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until there is something to do."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
