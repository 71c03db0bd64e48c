"""The driver against modules of other people's: modbus-serial and jsmodbus from npm."""

import pytest

from devices.drivers.modbus_signal.driver import ModbusSignalDriver
from kernel.clock import ManualClock
from tests.contract.gates import aspect
from tests.contract.orders import order
from tests.contract.peers import running
from tests.contract.wire import Collected


@pytest.mark.parametrize("package", ["modbus-serial", "jsmodbus"])
async def test_a_foreign_module_shows_what_it_is_told(clock: ManualClock, package: str) -> None:
    async with (
        running("modbus_lamps.cjs", package) as peer,
        ModbusSignalDriver(
            "light", "127.0.0.1", peer.greeting["port"], clock, 1, lamps="red-amber-green", poll_ms=20
        ) as driver,
        Collected(driver.readings()) as collected,
    ):
        await collected.until(aspect("off"))
        assert await driver.command(order("show", aspect="amber")) is None
        assert await peer.tell({}) == [False, True, False, False]
        assert await driver.command(order("show", aspect="red")) is None
        assert await peer.tell({}) == [True, False, False, False]
        await collected.until(aspect("red"))
