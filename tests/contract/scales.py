"""What the tests of all scales say: masses, statements, and whether the driver saw the platform empty."""

from collections.abc import Callable
from typing import Any, Protocol

from devices.transport.weighing import Shown
from kernel.messages import DeviceStatus, MassReading
from tests.contract.wire import Collected, eventually


class Watching(Protocol):
    live: Shown | None


def is_mass(item: object) -> bool:
    return isinstance(getattr(item, "reading", None), MassReading)


def status_is(state: str, reason: str | None = None) -> Callable[[object], bool]:
    def check(item: object) -> bool:
        reading = getattr(item, "reading", None)
        if not isinstance(reading, DeviceStatus) or reading.state != state:
            return False
        return reason is None or reason in reading.reason

    return check


def masses(collected: Collected) -> list[int]:
    """Grams of each weighing so far."""
    return [item.reading.mass_g for item in collected.seen if is_mass(item)]


def faults(collected: Collected) -> list[str]:
    """Why the scale was at fault, each time it was."""
    return [item.reading.reason for item in collected.seen if status_is("fault")(item)]


def readings(collected: Collected) -> list[Any]:
    return [item.reading for item in collected.seen if is_mass(item)]


async def emptied(driver: Watching) -> None:
    """Until the driver has seen an empty platform."""
    driver.live = None
    await eventually(lambda: driver.live is not None and abs(driver.live.load_g) < 10_000)
