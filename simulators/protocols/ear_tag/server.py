"""A base station on the wire: hears tags, says so, and keeps it until the product has it for good."""

from datetime import datetime

from kernel.clock import Clock
from simulators.protocols.ear_tag.frames import beat, heard
from simulators.protocols.mqtt.server import RESEND_AFTER_S, Reporter
from simulators.protocols.publisher import Login


class BaseStation(Reporter):
    """`hear` may be called at any time, connected or not; `at` is the station's own time of hearing it."""

    def __init__(
        self,
        login: Login,
        site_id: str,
        device_id: str,
        clock: Clock,
        *,
        boot: int = 1,
        resend_after_s: float = RESEND_AFTER_S,
    ) -> None:
        super().__init__(login, site_id, device_id, clock, boot=boot, resend_after_s=resend_after_s)
        self._started_at = clock.now()
        self._heard_count = 0

    def hear(self, frame: bytes, rssi_dbm: float = -80.0, at: datetime | None = None) -> int:
        """A frame came in. Returns its sequence number; 0 when the memory is full."""
        self._heard_count += 1
        return self.note(heard(frame, rssi_dbm), at)

    def beat(self, battery_mv: int = 12_600) -> int:
        """Say that it listens, and how many frames it heard since the last beat."""
        uptime_s = round((self._clock.now() - self._started_at).total_seconds())
        count, self._heard_count = self._heard_count, 0
        return self.note(beat(uptime_s, count, battery_mv))
