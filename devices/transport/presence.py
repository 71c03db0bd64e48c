"""Says once when a device is gone and once when it is back, however often it is tried, and every few minutes
that it is there. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from kernel.messages import DeviceStatus

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Waits before each further attempt; the last repeats for ever."""
STATED_EVERY = timedelta(minutes=5)
"""A device that answers and measures nothing is said to be there so often: silence is not absence."""


class Presence:
    """Whether a polled device answers. Starts as not yet known, so the first answer says `online`."""

    def __init__(self, started_at: datetime, backoff_s: Sequence[float] = BACKOFF_S) -> None:
        if not backoff_s:
            raise ValueError("backoff_s must not be empty")
        self._heard_at = self._stated_at = started_at
        self._is_present: bool | None = None
        self._failures = 0
        self._trouble = ""
        self._backoff_s = tuple(backoff_s)

    def lost(self, reason: str) -> list[DeviceStatus]:
        """The device did not answer: a statement the first time, then silence."""
        self._failures += 1
        if self._is_present is False:
            return []
        self._is_present, self._trouble = False, ""
        return [DeviceStatus(state="offline", reason=reason)]

    def heard(self, now: datetime) -> list[DeviceStatus]:
        """The device answered: after an absence, how long nothing was heard, then that it is online; else,
        every `STATED_EVERY`, how it is."""
        was_present, gap_s = self._is_present, (now - self._heard_at).total_seconds()
        self._is_present, self._heard_at, self._failures = True, now, 0
        if was_present and now - self._stated_at < STATED_EVERY:
            return []
        self._stated_at = now
        if was_present:
            return [self._how_it_is()]
        online = DeviceStatus(state="online")
        if was_present is None:
            return [online]
        return [DeviceStatus(state="gap", reason="nothing was read meanwhile", gap_s=gap_s), online]

    def troubled(self, reason: str) -> list[DeviceStatus]:
        """What keeps a device that answers from measuring, empty for nothing: stated when it changes."""
        if reason == self._trouble:
            return []
        self._trouble = reason
        return [self._how_it_is()]

    def _how_it_is(self) -> DeviceStatus:
        return (
            DeviceStatus(state="fault", reason=self._trouble)
            if self._trouble
            else DeviceStatus(state="online")
        )

    @property
    def wait_s(self) -> float:
        """How long to wait before the next attempt after a failed one."""
        return self._backoff_s[min(max(self._failures - 1, 0), len(self._backoff_s) - 1)]
