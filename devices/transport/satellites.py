"""What satellite receivers have in common: how far a fix may be off. Pure."""

from collections.abc import Mapping
from typing import Final, Literal

Fix = Literal["unknown", "single", "differential", "rtk_float", "rtk_fixed", "estimated"]

RANGE_ERROR_M: Final[Mapping[Fix, float]] = {
    "unknown": 10.0,
    "single": 4.0,
    "differential": 1.0,
    "rtk_float": 0.3,
    "rtk_fixed": 0.02,
    "estimated": 20.0,
}
"""Standard deviation of a range by the kind of fix, in metres. Times the dilution of precision it is that of
the position. A single-frequency receiver in the open has about 4 m; dead reckoning drifts, so 20 m is a guess
on the safe side."""
DILUTION_USUAL: Final = 1.5
"""Horizontal dilution of precision under an open sky, for receivers that do not tell theirs."""
SIGMA_M_MAX: Final = 1_000.0


def sigma_m(fix: Fix, dilution: float | None = None) -> float:
    """Standard deviation of a horizontal position in metres. `dilution` is the HDOP, None when not told."""
    return min(RANGE_ERROR_M[fix] * (DILUTION_USUAL if dilution is None else dilution), SIGMA_M_MAX)
