"""A driver that is let go at any moment ends: the library loses a cancellation that meets an answer."""

import asyncio

from devices.transport.modbus import ModbusLink
from kernel.rng import Rng
from tests.contract.wire import WITHIN_S, ModbusPeer

READ = bytes.fromhex("02 0000 0003")
SHUT = bytes.fromhex("02 01 02")
TIMES = 300


async def test_whoever_waits_for_an_answer_can_be_stopped_at_any_moment(rng: Rng) -> None:
    async def ask(link: ModbusLink) -> None:
        while True:
            await link.discrete_inputs(0, 3)

    async with ModbusPeer({READ: SHUT}) as peer:
        for _ in range(TIMES):
            async with ModbusLink("127.0.0.1", peer.port) as link:
                task = asyncio.create_task(ask(link))
                await asyncio.sleep(rng.uniform(0.001, 0.006))
                task.cancel()
                _, still = await asyncio.wait([task], timeout=WITHIN_S)
                assert not still
