"""The golden messages, a simulated reader on a free port, and a driver's readings with a bound on waiting."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from devices.drivers.llrp.driver import LlrpDriver
from kernel.clock import ManualClock
from kernel.messages import DeviceStatus, Observation, Rejected
from simulators.protocols.llrp.server import LlrpReaderServer

WAIT_S_MAX = 10.0


@pytest.fixture(scope="session")
def golden() -> dict[str, str]:
    """Name to hexadecimal; `?` marks digits that are free to choose."""
    messages = tomllib.loads(Path(__file__).with_name("golden.toml").read_text())["frame"]
    return {
        message["name"]: "".join(hex_digits for hex_digits, _ in message["fields"]) for message in messages
    }


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[LlrpReaderServer]:
    """A reader with four antennas."""
    async with LlrpReaderServer(clock=clock) as server:
        yield server


class Readings:
    """What a driver gave so far, and the next of it within ten seconds."""

    def __init__(self, driver: LlrpDriver) -> None:
        self._items = aiter(driver.readings())
        self.seen: list[Observation | Rejected] = []

    async def next(self) -> Observation | Rejected:
        async with asyncio.timeout(WAIT_S_MAX):
            item = await anext(self._items)
        self.seen.append(item)
        return item

    async def until(self, is_wanted: Callable[[Observation | Rejected], bool]) -> Observation | Rejected:
        """The next item that is wanted; those before it are in `seen`."""
        while not is_wanted(item := await self.next()):
            pass
        return item

    async def until_status(self, state: str) -> DeviceStatus:
        item = await self.until(
            lambda item: isinstance(reading(item), DeviceStatus) and state_of(item) == state
        )
        status = reading(item)
        assert isinstance(status, DeviceStatus)
        return status


def reading(item: Observation | Rejected) -> object:
    return item.reading if isinstance(item, Observation) else None


def state_of(item: Observation | Rejected) -> str | None:
    status = reading(item)
    return status.state if isinstance(status, DeviceStatus) else None


@pytest.fixture
def readings_of() -> Callable[[LlrpDriver], Readings]:
    return Readings


@pytest.fixture
def driver_for(clock: ManualClock) -> Callable[..., LlrpDriver]:
    """A driver of antennas 1 and 2 that tries again at once."""

    def build(port: int, **changes: object) -> LlrpDriver:
        settings = {
            "antennas": (1, 2),
            "beam_inputs": (),
            "keepalive_ms": 5_000,
            "backoff_s": (0.01,),
            "boot": 7,
        } | changes
        return LlrpDriver("gate-1-reader", "127.0.0.1", port, clock, **settings)  # type: ignore[arg-type]

    return build
