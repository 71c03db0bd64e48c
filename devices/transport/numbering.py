"""What a driver itself says of a device, numbered: statements, readings without a number, rejections."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from devices.transport.decoding import FieldRejected
from devices.transport.limit import Limit
from kernel.clock import Clock
from kernel.messages import AnyReading, DeviceStatus, Observation, Rejected

REJECTED_PER_MINUTE_MAX: Final = 60
"""Beyond it a device that sends nothing but rubbish is not written down any more, only told."""


class Numbered:
    """Numbers under `boot`, which must grow with each start of the driver, from 1."""

    def __init__(self, device_id: str, boot: int, clock: Clock) -> None:
        self.device_id = device_id
        self._boot = boot
        self._clock = clock
        self._sequence = 0
        self._last_bad = b""
        self._limit = Limit(REJECTED_PER_MINUTE_MAX, timedelta(minutes=1))

    @property
    def next_sequence(self) -> int:
        """The number that the next observation gets."""
        return self._sequence + 1

    def observation(
        self, reading: AnyReading, observed_at: datetime | None = None, raw: bytes = b""
    ) -> Observation:
        """`reading` under the next number; observed now unless said otherwise."""
        self._sequence += 1
        return Observation(
            device_id=self.device_id,
            boot=self._boot,
            sequence=self._sequence,
            observed_at=observed_at or self._clock.now(),
            reading=reading,
            raw_sha256=hashlib.sha256(raw).hexdigest() if raw else "",
        )

    def rejected(self, error: FieldRejected, raw: bytes) -> list[Observation | Rejected]:
        """`raw` for quarantine, unless it repeats what was set aside last. Past the bound of a minute
        that is stated once, and nothing more is set aside until the minute is over."""
        if raw == self._last_bad:
            return []
        now, was_exceeded = self._clock.now(), self._limit.is_exceeded
        if not self._limit.admits(now):
            reason = f"more than {self._limit.count_max} malformed messages a minute; the rest is not kept"
            return [] if was_exceeded else [self.observation(DeviceStatus(state="fault", reason=reason))]
        self._last_bad = raw
        return [
            Rejected(device_id=self.device_id, field=error.field, rule=error.rule, raw=raw, received_at=now)
        ]

    def well_formed(self) -> None:
        """A good message came: the same bad one after it is news again."""
        self._last_bad = b""
