"""The clocks of devices: off by about a second, one in fifty by minutes. Pure."""

from datetime import datetime, timedelta

from kernel.rng import Rng
from simulators.world.warehouse.parameters import Clock


class DeviceClocks:
    """By how much each device's clock is ahead of the truth, in seconds; the same for a whole run."""

    def __init__(self, parameters: Clock, start: datetime, rng: Rng) -> None:
        self._parameters = parameters
        self._start = start
        self._rng = rng
        self._ahead_s: dict[str, float] = {}

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
        return self._start + timedelta(milliseconds=round((at_s + self.ahead_s(device)) * 1000))

    def true(self, at_s: float) -> datetime:
        """The moment itself."""
        return self._start + timedelta(milliseconds=round(at_s * 1000))
