"""The driver against Modbus devices of other people's, run by Node: modbus-serial and jsmodbus."""

import pytest

from devices.drivers.modbus_weighbridge.driver import ModbusWeighbridgeDriver
from devices.transport.modbus import Framing
from kernel.clock import ManualClock
from kernel.messages import MassReading
from tests.contract.modbus_weighbridge.test_driver_on_the_wire import is_mass, status_is
from tests.contract.modbus_weighbridge.test_golden_frames import SENECA
from tests.contract.peers import running
from tests.contract.wire import Collected, ticking


@pytest.mark.parametrize(
    ("script", "framing", "profile"),
    [
        ("modbus_serial.cjs", "tcp", "seneca-z-sg2"),
        ("jsmodbus.cjs", "rtu", "seneca-z-sg2-swapped"),
    ],
)
async def test_a_load_on_a_foreign_device_is_weighed(
    script: str, framing: Framing, profile: str, clock: ManualClock
) -> None:
    async with (
        running(script) as peer,
        ModbusWeighbridgeDriver(
            "scale",
            "127.0.0.1",
            peer.greeting["port"],
            clock,
            1,
            framing=framing,
            profile=profile,
            poll_ms=20,
            capture_min_g=10_000,
            change_g=2_000,
        ) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        await peer.tell(SENECA[profile])
        [weighing] = await collected.until(is_mass)
    assert weighing.reading == MassReading(
        mass_g=812_500, weight_id=weighing.sequence, basis="gross", tare_g=25_000
    )
