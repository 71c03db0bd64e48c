"""Devices of the broker that send too fast are limited: so many readings of one second of their clock. Pure.

The device's clock and not ours counts, so that what waited for us, at the broker or at the device, is not
mistaken for haste.
"""

from collections.abc import Sequence
from datetime import datetime

from devices.ingest.model import Received, rejected
from devices.ingest.readings import Broken
from devices.transport.limit import Limit
from kernel.messages import Observation, Rejected

Item = Observation | Rejected


class Pace:
    """Remembers how much each device said of the present second."""

    def __init__(self) -> None:
        self._limits: dict[str, Limit] = {}

    def sift(self, items: Sequence[Item], received_at: datetime, per_s_max: int) -> tuple[list[Item], bool]:
        """`items` with each reading above `per_s_max` set aside, and whether there was one."""
        sifted: list[Item] = []
        is_too_fast = False
        for item in items:
            if isinstance(item, Rejected) or self._limit(item.device_id, per_s_max).admits(item.observed_at):
                sifted.append(item)
                continue
            is_too_fast = True
            broken = Broken("observed_at", f"at most {per_s_max} readings of one second")
            sifted.append(rejected(Received(observation=item, received_at=received_at), broken))
        return sifted, is_too_fast

    def _limit(self, device_id: str, per_s_max: int) -> Limit:
        known = self._limits.get(device_id)
        if known is None or known.count_max != per_s_max:
            known = self._limits[device_id] = Limit(per_s_max)
        return known
