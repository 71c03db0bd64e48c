"""The driver against node-opcua (npm), which serves the OPC Foundation's own nodeset of the model."""

from devices.drivers.opcua_scale.driver import OpcUaScaleDriver
from kernel.clock import ManualClock
from kernel.messages import MassReading
from tests.contract.peers import running
from tests.contract.scales import is_mass, readings, status_is
from tests.contract.wire import Collected, ticking


async def test_what_a_foreign_server_registers_is_weighed(clock: ManualClock) -> None:
    async with (
        running("opcua_scale.cjs") as peer,
        OpcUaScaleDriver(
            "scale", "127.0.0.1", peer.greeting["port"], clock, 1, poll_ms=100, settle_s=0.5
        ) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        weight = {"gross": 812.5, "net": 787.5, "tare": 25.0}
        await peer.tell(
            {"CurrentWeight": weight, "RegisteredWeight": weight, "RegisteredWeight.WeightId": "A-17"}
        )
        [weighing] = await collected.until(is_mass)
        await peer.tell({"CurrentWeight.Overload": True})
        await collected.until(status_is("fault", "overload"))
    [reading] = readings(collected)
    assert reading == MassReading(
        mass_g=812_500, weight_id=reading.weight_id, legal_for_trade=True, tare_g=25_000, alibi_id="A-17"
    )
    assert 1 <= reading.weight_id <= 2**48
    assert weighing.observed_at.tzinfo is not None
