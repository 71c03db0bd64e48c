"""The numbers under which devices say things: they grow with each, and begin at 1 with each start. Pure."""

from collections import Counter
from collections.abc import Iterable

from simulators.faults.model import DeviceFault, Reboot
from simulators.world.warehouse.acts import HOUR_S


class Numbering:
    """`first_boot` is the boot of a device that has not restarted."""

    def __init__(self, faults: Iterable[DeviceFault] = (), first_boot: int = 1) -> None:
        self._reboots = sorted(
            (fault.at_h * HOUR_S, fault.device) for fault in faults if isinstance(fault, Reboot)
        )
        self._first_boot = first_boot
        self._restarts: Counter[str] = Counter()
        self._sequence: Counter[str] = Counter()

    def restarted_before(self, time_s: float) -> list[str]:
        """Devices that a fault restarts before `time_s`, each time it does, once."""
        devices = []
        while self._reboots and self._reboots[0][0] < time_s:
            devices.append(self._reboots.pop(0)[1])
            self.restart(devices[-1])
        return devices

    def restart(self, device: str) -> None:
        self._restarts[device] += 1
        self._sequence[device] = 0

    def boot(self, device: str) -> int:
        return self._first_boot + self._restarts[device]

    def next(self, device: str, count: int = 1) -> int:
        """The first of `count` fresh numbers of a device."""
        first = self._sequence[device] + 1
        self._sequence[device] += count
        return first
