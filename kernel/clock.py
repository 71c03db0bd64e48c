"""Time is an argument: whoever needs the time is handed a Clock."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, always in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when told: for tests and simulation."""

    def __init__(self, start: datetime) -> None:
        self._now = require_utc(start, "start")

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Move forward by `seconds` (0 or more) and return the new time."""
        assert seconds >= 0, "a clock never runs backwards"
        self._now += timedelta(seconds=seconds)
        return self._now


def require_utc(moment: datetime, field: str) -> datetime:
    """Return `moment` in UTC; raise ValueError naming `field` when it carries no zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{field} must carry a time zone")
    return moment.astimezone(UTC)
