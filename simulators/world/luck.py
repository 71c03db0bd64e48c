"""Chances in logits: lasting luck, shocks that neighbours share, and the base of a stated average. Pure."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)


@lru_cache(maxsize=256)
def base_logit(rate: float, sd: float) -> float:
    """The logit whose mean probability under a normal spread of `sd` logits is `rate`: by bisection over
    Gauss-Hermite quadrature."""
    low, high = -12.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float(np.sum(_WEIGHTS / (1 + np.exp(-(middle + sd * _NODES)))) / math.sqrt(2 * math.pi))
        low, high = (middle, high) if mean < rate else (low, middle)
    return (low + high) / 2


def shock_sd(correlation: float, sd: float) -> float:
    """Spread in logits of the luck that neighbours share, so that their readings correlate so much.

    A logistic threshold has variance pi^2/3: shared / (shared + own + pi^2/3) = correlation.
    """
    return math.sqrt(correlation * (sd * sd + math.pi**2 / 3) / (1 - correlation))


def fading(
    far_m: NDArray[np.float64], near: tuple[float, float], far: tuple[float, float], spread: float
) -> NDArray[np.float64]:
    """Logits over distances: a line over their logarithm through two points, each (metres, rate on average
    over a spread of luck); as near as the first and no nearer."""
    (near_m, near_rate), (beyond_m, far_rate) = near, far
    first = base_logit(near_rate, spread)
    slope = (base_logit(far_rate, spread) - first) / math.log(beyond_m / near_m)
    return np.asarray(first + slope * np.log(np.maximum(far_m, near_m) / near_m))


def heard(logit: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.bool_]:
    return np.asarray(draw.random(len(logit)) < 1 / (1 + np.exp(-logit)))
