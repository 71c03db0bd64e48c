"""The clocks of devices: off by about a second, one in fifty by minutes; faults move them. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from kernel.rng import Rng
from simulators.faults.model import ClockDrift, DeviceFault
from simulators.world.tables import Clock
from simulators.world.warehouse.acts import HOUR_S

DAY_H = 24.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""What a clock shows that has lost its battery."""


class DeviceClocks:
    """By how much each device's clock is ahead of the truth, in seconds; the same for a whole run but for
    the faults."""

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
        self._ahead_s: dict[str, float] = {}
        self._faults: dict[str, list[DeviceFault]] = defaultdict(list)
        for fault in faults:
            self._faults[fault.device].append(fault)

    def ahead_s(self, device: str) -> float:
        known = self._ahead_s.get(device)
        if known is None:
            draw = self._rng.child(f"clock/{device}").numpy
            sigma_s, limit_s = self._parameters.sigma_s, self._parameters.drift_s_max
            is_drifting = draw.random() < self._parameters.drifting_share
            known = float(draw.uniform(-limit_s, limit_s) if is_drifting else draw.normal(0.0, sigma_s))
            self._ahead_s[device] = known
        return known

    def shift(self, device: str, by_s: float) -> None:
        """Somebody sets the device's clock."""
        self._ahead_s[device] = self.ahead_s(device) + by_s

    def shown(self, device: str, at_s: float) -> datetime:
        """What the device's clock shows at a moment of the world, in whole milliseconds."""
        ahead_s = self.ahead_s(device)
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
