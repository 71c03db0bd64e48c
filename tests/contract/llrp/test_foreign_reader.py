"""The driver against a reader that is not ours: llrpjs from npm, which speaks LLRP 1.0.1."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from devices.drivers.llrp.driver import LlrpDriver
from kernel.messages import BeamState, DeviceStatus, TagRead
from tests.contract.llrp.conftest import Readings
from tests.contract.peers import PEERS, node
from tests.contract.wire import WITHIN_S

SEEN_AT = datetime(2026, 11, 23, 5, 55, 30, tzinfo=UTC)


class ForeignReader:
    """The reader's process: the port it listens on, and what it says that it was asked."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.port = 0
        self.asked: dict[str, Any] = {}

    async def hear(self) -> str:
        """Wait for the next line and return the name in it."""
        assert self._process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            line = await self._process.stdout.readline()
        name, said = json.loads(line)
        self.asked[name] = said
        return str(name)

    async def until(self, name: str) -> Any:
        while name not in self.asked:
            await self.hear()
        return self.asked[name]


@pytest.fixture
async def foreign() -> AsyncIterator[ForeignReader]:
    process = await asyncio.create_subprocess_exec(
        *(node(), "llrp_reader.cjs"),
        cwd=PEERS,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    reader = ForeignReader(process)
    reader.port = await reader.until("listening")
    yield reader
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


async def test_a_foreign_reader_understands_us_and_is_understood(
    foreign: ForeignReader, driver_for: Callable[..., LlrpDriver]
) -> None:
    """It hangs up on the question about versions, and is asked again without it before anything is stated."""
    async with driver_for(foreign.port, backoff_s=(0.2,), beam_inputs=(1,)) as driver:
        readings = Readings(driver)
        said = [(await readings.next()).reading for _ in range(4)]
        await foreign.until("KEEPALIVE_ACK")
    assert said == [
        DeviceStatus(state="online"),
        TagRead(epc_hex="3034257BF7194E4000003039", antenna=2, rssi_cdbm=-5700, seen_count=3),
        TagRead(
            epc_hex="3674257BF6B7A659B2C2BF100000000000000000000000000000",
            antenna=1,
            rssi_cdbm=-7000,
            seen_count=1,
        ),
        BeamState(beam=1, is_broken=True),
    ]
    assert {item.observed_at for item in readings.seen[1:]} == {SEEN_AT}
    await foreign.until("CLOSE_CONNECTION")
    rospec = foreign.asked["ADD_ROSPEC"]["ROSpec"]
    assert rospec["AISpec"]["AntennaIDs"] == [1, 2]
    assert rospec["ROReportSpec"]["N"] == 1
    assert foreign.asked["SET_READER_CONFIG"]["KeepaliveSpec"] == {
        "KeepaliveTriggerType": "Periodic",
        "PeriodicTriggerValue": 5000,
    }
    assert foreign.asked["SET_READER_CONFIG"]["GPIPortCurrentState"]["GPIPortNum"] == 1
    assert "unsupported version" in foreign.asked["error"]
