"""How long a sender that outruns its allowance has to wait. Pure: the moment is an argument."""


class Allowance:
    """A bucket that fills by `per_s` a second up to `burst` messages."""

    def __init__(self, per_s: float, burst: float) -> None:
        if per_s <= 0 or burst < 1:
            raise ValueError("per_s must be positive and burst at least 1")
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s: float | None = None

    def wait_s(self, count: int, at_s: float) -> float:
        """Take `count` messages at the moment `at_s` (seconds of any clock that never runs backwards).

        Returns how many seconds it takes until they are made up for, 0 when they are within the allowance.
        """
        if self._at_s is not None:
            self._left = min(self._burst, self._left + (at_s - self._at_s) * self._per_s)
        self._at_s = at_s
        self._left -= count
        return max(0.0, -self._left / self._per_s)
