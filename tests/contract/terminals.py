"""The product's side of a port that terminals dial, in memory: an edge that keeps what it is given, once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from devices.transport.listener import Listener, MakeSession
from devices.transport.terminals import Item, Terminal, TurnedAway
from kernel.clock import Clock, SystemClock
from kernel.messages import Observation, Rejected
from tests.contract.wire import WITHIN_S

SITE = "site-a"
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def a_terminal(name: str, device_id: str = "truck") -> Terminal:
    return Terminal(device_id=device_id, site_id=SITE, name=name)


class EdgeInMemory:
    """A `Home` for a listener. `hold` keeps everything from becoming durable until `free`."""

    def __init__(self, *terminals: Terminal) -> None:
        self.terminals = {terminal.name: terminal for terminal in terminals}
        self.kept: dict[str, Item] = {}
        self.arrived: list[Item] = []
        self.turned_away: list[TurnedAway] = []
        self.codes_made = 0
        self._free = asyncio.Event()
        self._free.set()
        self._changed = asyncio.Condition()

    def hold(self) -> None:
        self._free.clear()

    def free(self) -> None:
        self._free.set()

    def find(self, name: str) -> Terminal | None:
        return self.terminals.get(name)

    def new_code(self) -> str:
        self.codes_made += 1
        return f"code-{self.codes_made}"

    async def take(self, site_id: str, items: Sequence[Item]) -> None:
        assert site_id == SITE
        self.arrived += items
        await self._tell()
        await self._free.wait()
        for item in items:
            name = item.observation_id if isinstance(item, Observation) else f"{item.field}: {item.rule}"
            self.kept[name] = item
        await self._tell()

    async def keep_code(self, terminal: Terminal, sha256: str) -> bool:
        await self._free.wait()
        known = self.terminals[terminal.name]
        if known.is_code_used:
            return False
        self.terminals[terminal.name] = msgspec.structs.replace(known, code_sha256=sha256)
        return True

    async def note_code_shown(self, terminal: Terminal) -> None:
        known = self.terminals[terminal.name]
        self.terminals[terminal.name] = msgspec.structs.replace(known, is_code_used=True)
        await self._tell()

    def turn_away(self, name: str, field: str, rule: str, said: bytes) -> None:
        self.turned_away.append(TurnedAway(name, field, rule, said))

    # --- what tests ask ------------------------------------------------------------------------------

    @property
    def rejected(self) -> list[Rejected]:
        return [item for item in self.kept.values() if isinstance(item, Rejected)]

    def readings(self, kind: type[Any]) -> list[Any]:
        """What was kept of a kind, in order of its time."""
        found = [item for item in self.kept.values() if isinstance(item, Observation)]
        found.sort(key=lambda item: item.observed_at)
        return [item.reading for item in found if isinstance(item.reading, kind)]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(WITHIN_S), self._changed:
            await self._changed.wait_for(holds)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def listening(
    make_session: MakeSession, home: EdgeInMemory, clock: Clock | None = None, **limits: float
) -> AsyncIterator[Listener]:
    """A listener on a free port of loopback."""
    listener = Listener("test", make_session, home, clock or SystemClock(), **limits)
    is_listening = asyncio.Event()
    task = asyncio.create_task(listener.run("127.0.0.1", 0, is_listening.set))
    async with asyncio.timeout(WITHIN_S):
        await is_listening.wait()
    try:
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
