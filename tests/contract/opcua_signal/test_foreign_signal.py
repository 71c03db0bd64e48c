"""The driver against node-opcua (npm)."""

from devices.drivers.opcua_signal.driver import OpcUaSignalDriver
from kernel.clock import ManualClock
from tests.contract.gates import aspect
from tests.contract.orders import order
from tests.contract.peers import running
from tests.contract.wire import Collected


async def test_a_foreign_signal_shows_what_it_is_told(clock: ManualClock) -> None:
    node = "nsu=http://gate.example/UA/;s=Signal{}".format
    async with (
        running("opcua_gate.cjs") as peer,
        OpcUaSignalDriver(
            "light",
            "127.0.0.1",
            peer.greeting["port"],
            clock,
            1,
            signal=node(""),
            show_off=node(".ShowOff"),
            show_red=node(".ShowRed"),
            show_green=node(".ShowGreen"),
            red=node(".Red"),
            green=node(".Green"),
            poll_ms=100,
        ) as driver,
        Collected(driver.readings()) as collected,
    ):
        await collected.until(aspect("off"))
        for wanted in ("red", "green"):
            assert await driver.command(order("show", aspect=wanted)) is None
        await collected.until(aspect("green"))
        assert await driver.command(order("show", aspect="amber")) == "no_lamp"
        assert await peer.tell({}) == ["Signal.ShowRed", "Signal.ShowGreen"]
