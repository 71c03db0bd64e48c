"""The clocks of devices: off by about a second, one in fifty drifts minutes; faults move them. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np

from kernel.rng import Rng
from simulators.faults.model import ClockDrift, DeviceFault, Reboot
from simulators.world.tables import Clock
from simulators.world.warehouse.acts import HOUR_S

DAY_H, DAY_S = 24.0, 86_400.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""What a clock shows that has lost its battery."""


def draw_reboots(parameters: Clock, devices: Iterable[str], days: int, rng: Rng) -> list[Reboot]:
    """The reboots of a run that nobody caused, by device."""
    found = []
    for device in devices:
        draw = rng.child(f"reboots/{device}").numpy
        for at_h in np.sort(draw.uniform(0.0, DAY_H * days, draw.poisson(parameters.reboot_a_day * days))):
            is_1970 = draw.random() < parameters.reboot_1970_share
            set_h = at_h + draw.uniform(0.0, parameters.reboot_set_min) / 60 if is_1970 else 0.0
            found.append(Reboot(at_h=float(at_h), device=device, set_h=float(set_h)))
    return found


class DeviceClocks:
    """By how much each device's clock is ahead of the truth, in seconds: the same for a whole run but for
    those that drift, and the faults."""

    def __init__(
        self,
        parameters: Clock,
        start: datetime,
        rng: Rng,
        faults: Iterable[DeviceFault] = (),
        pace: float = 1.0,
    ) -> None:
        """`pace` is how many seconds of the world pass in one of the calendar."""
        self._pace = pace
        self._parameters = parameters
        self._start = start
        self._rng = rng
        self._ahead: dict[str, tuple[float, float]] = {}
        """Seconds at the start, and how many more a day."""
        self._faults: dict[str, list[DeviceFault]] = defaultdict(list)
        for fault in faults:
            self._faults[fault.device].append(fault)

    def ahead_s(self, device: str, at_s: float = 0.0) -> float:
        """At a moment of the world, without the faults of the scenario."""
        from_s, a_day_s = self._of(device)
        return from_s + a_day_s * at_s / DAY_S

    def _of(self, device: str) -> tuple[float, float]:
        known = self._ahead.get(device)
        if known is None:
            draw, clock = self._rng.child(f"clock/{device}").numpy, self._parameters
            is_drifting = draw.random() < clock.drifting_share
            from_s = draw.uniform(-clock.drift_s_max, clock.drift_s_max)
            a_day_s = draw.uniform(-clock.drift_s_a_day, clock.drift_s_a_day)
            steady = float(draw.normal(0.0, clock.sigma_s)), 0.0
            known = self._ahead[device] = (float(from_s), float(a_day_s)) if is_drifting else steady
        return known

    def shift(self, device: str, by_s: float) -> None:
        """Somebody sets the device's clock."""
        from_s, a_day_s = self._of(device)
        self._ahead[device] = from_s + by_s, a_day_s

    def shown(self, device: str, at_s: float) -> datetime:
        """What the device's clock shows at a moment of the world, in whole milliseconds."""
        ahead_s = self.ahead_s(device, at_s)
        for fault in self._faults.get(device, ()):
            if isinstance(fault, ClockDrift):
                hours = max(0.0, min(at_s / HOUR_S, fault.until_h) - fault.from_h)
                ahead_s += fault.s_a_day * hours / DAY_H
            elif fault.at_h <= at_s / HOUR_S < fault.set_h:
                return EPOCH + timedelta(milliseconds=round((at_s - fault.at_h * HOUR_S) * 1000))
        return self._start + timedelta(milliseconds=round((at_s / self._pace + ahead_s) * 1000))

    def true(self, at_s: float) -> datetime:
        """The moment itself."""
        return self._start + timedelta(milliseconds=round(at_s / self._pace * 1000))
