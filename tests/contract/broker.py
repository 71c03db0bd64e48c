"""A real broker and the product's consumer, for the families that speak over MQTT."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from devices.transport.broker import Acks, BrokerDriver
from devices.transport.decoding import Arrived
from devices.transport.manual_ack import BrokerLogin
from kernel.clock import ManualClock
from kernel.messages import AckedThrough, Observation, Rejected
from tests.contract.wire import WITHIN_S

SITE = "site-a"
INSTALLED = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin") is not None
Item = Observation | Rejected
Decode = Callable[[Arrived, Mapping[str, str]], Sequence[Item]]


def password_of(device_id: str) -> str:
    return f"{device_id}-and-a-long-enough-tail"


def reading_as(
    decode: Decode, nodes: Mapping[str, str] | None = None, **settings: Any
) -> Callable[[Arrived], Awaitable[Sequence[Item]]]:
    """`decode` as the edge calls it for a device that was enrolled with `settings` and has `nodes`."""

    async def read(arrived: Arrived) -> Sequence[Item]:
        return decode(msgspec.structs.replace(arrived, settings=settings), nodes or {})

    return read


class Journal:
    """Keeps what it is given, once, and answers as ingest does. While `free` is clear it answers nothing."""

    def __init__(self, name: str) -> None:
        self.name = f"edge-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        self.kept: dict[str, Item] = {}
        self.arrived = 0
        self.free = asyncio.Event()
        self.free.set()
        self._grown = asyncio.Condition()

    async def take(self, site_id: str, items: Sequence[Item]) -> Acks:
        self.arrived += len(items)
        async with self._grown:
            self._grown.notify_all()
        await self.free.wait()
        for item in items:
            name = item.observation_id if isinstance(item, Observation) else f"{site_id}/{item.field}"
            self.kept[name] = item
        async with self._grown:
            self._grown.notify_all()
        keys = {(item.device_id, item.boot) for item in items if item.boot is not None}
        return {key: AckedThrough(boot=key[1], sequence=self._through(*key)) for key in keys}

    def _through(self, device_id: str, boot: int) -> int:
        through = 0
        while f"{device_id}:{boot}:{through + 1}" in self.kept:
            through += 1
        return through

    @property
    def observations(self) -> list[Observation]:
        return [item for item in self.kept.values() if isinstance(item, Observation)]

    @property
    def rejected(self) -> list[Rejected]:
        return [item for item in self.kept.values() if isinstance(item, Rejected)]

    async def until(self, kept: int = 0, arrived: int = 0) -> None:
        async with asyncio.timeout(WITHIN_S), self._grown:
            await self._grown.wait_for(lambda: len(self.kept) >= kept and self.arrived >= arrived)


@asynccontextmanager
async def consuming(
    product: BrokerLogin,
    journal: Journal,
    clock: ManualClock,
    read: Callable[[Arrived], Awaitable[Sequence[Item]]],
) -> AsyncIterator[None]:
    """The consumer at work, with the same session for one journal however often it connects."""
    connected = asyncio.Event()
    driver = BrokerDriver(product, journal.name, clock, read, journal.take)
    task = asyncio.create_task(driver.run(connected.set))
    async with asyncio.timeout(WITHIN_S):
        await connected.wait()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def foreign_publish(broker: BrokerLogin, device_id: str, channel: str, payload: bytes) -> None:
    """Publish as `device_id` with mosquitto_pub, a client that is not ours."""
    process = await asyncio.create_subprocess_exec(
        *("mosquitto_pub", "-h", broker.host, "-p", str(broker.port)),
        *("-u", device_id, "-P", password_of(device_id), "-q", "1"),
        *("-t", f"tallyhouse/v1/{SITE}/{device_id}/{channel}", "-s"),
        stdin=asyncio.subprocess.PIPE,
    )
    await process.communicate(payload)
    assert process.returncode == 0
