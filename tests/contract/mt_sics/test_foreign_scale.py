"""The driver against an emulator of other people's: mt-sics-emulator from PyPI (MIT)."""

from collections.abc import AsyncIterator

import pytest
from mtsics.core.state import ScaleState
from mtsics.profiles import load
from mtsics.protocol.engine import MTSICSEngine
from mtsics.transport.tcp import TCPConfig, TCPTransport

from devices.drivers.mt_sics.driver import MtSicsDriver
from kernel.clock import ManualClock
from kernel.messages import MassReading
from tests.contract.scales import is_mass, readings, status_is
from tests.contract.wire import Collected, ticking

State = ScaleState


@pytest.fixture
async def foreign() -> AsyncIterator[tuple[State, int]]:
    """An industrial terminal of 300 kg, empty."""
    state = ScaleState(config=load("mt-ind570"))
    transport = TCPTransport(MTSICSEngine(state), cfg=TCPConfig(host="127.0.0.1", port=0, sir_rate=50.0))
    _, port = await transport.start()
    yield state, port
    await transport.close()


@pytest.mark.parametrize("watch", ["poll", "stream"])
async def test_a_load_on_a_foreign_scale_is_weighed(
    foreign: tuple[State, int], clock: ManualClock, watch: str
) -> None:
    state, port = foreign
    async with (
        MtSicsDriver(
            "scale", "127.0.0.1", port, clock, 1, serial_number="C987654321", watch=watch, poll_ms=20
        ) as driver,
        Collected(driver.readings()) as collected,
        ticking(clock),
    ):
        await collected.until(status_is("online"))
        state.set_weight(120.0, stable=False)
        state.set_weight(120.3, stable=True)
        await collected.until(is_mass)
        state.set_weight(400.0, stable=True)
        await collected.until(status_is("fault", "overload"))
    # The emulator knows no TA, so what it tells is net of a tare that nobody knows.
    assert readings(collected) == [MassReading(mass_g=120_300, weight_id=2, basis="net")]
