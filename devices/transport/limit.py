"""A device that sends too fast is limited, and told once for each time it does. Pure."""

from datetime import UTC, datetime, timedelta


class Limit:
    """Admits at most `count_max` messages in `period`; the rest of that period is refused."""

    def __init__(self, count_max: int, period: timedelta = timedelta(seconds=1)) -> None:
        self.count_max = count_max
        self._period = period
        self._began_at = self._ends_at = datetime.min.replace(tzinfo=UTC)
        self._count = 0
        self._was_exceeded = False

    def admits(self, now: datetime) -> bool:
        """Whether one more message at `now` may be taken."""
        if not self._began_at <= now < self._ends_at:
            self._was_exceeded = self._count > self.count_max
            self._began_at, self._ends_at, self._count = now, now + self._period, 0
        self._count += 1
        return self._count <= self.count_max

    @property
    def is_exceeded(self) -> bool:
        """Whether messages were refused in the newest period or the one before, so that a device which is
        always too fast is told once."""
        return self._was_exceeded or self._count > self.count_max
