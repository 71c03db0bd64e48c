"""What an ear tag's accelerometer feels: a posture, a rhythm, and noise, by what the animal does. Pure.

Signatures after the literature: a chew a second while ruminating, steps of about two a second, bites that
are less even than chews; levels are set. No labelled set of beef cattle's ear tags is free to ship.
"""

import math
from typing import NamedTuple

import numpy as np

from simulators.world.ranch.state import FEEDING, LYING, RUMINATING, STANDING, WALKING


class Signature(NamedTuple):
    """Gravity in the tag's own axes in mg, then a rhythm in Hz and mg, then noise in mg."""

    gravity_mg: tuple[float, float, float]
    rhythm_hz: float
    rhythm_mg: float
    noise_mg: float


SIGNATURES: dict[int, Signature] = {
    LYING: Signature((150.0, 260.0, 950.0), 0.3, 6.0, 8.0),
    RUMINATING: Signature((170.0, 260.0, 945.0), 1.0, 45.0, 14.0),
    STANDING: Signature((320.0, 120.0, 940.0), 0.3, 10.0, 26.0),
    FEEDING: Signature((780.0, 110.0, 610.0), 0.8, 110.0, 75.0),
    WALKING: Signature((420.0, 130.0, 890.0), 1.8, 210.0, 60.0),
}
DEAD_NOISE_MG = 2.0
"""A tag that hangs on a carcass, or in a drawer, feels its own electronics."""


def burst_mg(
    doing: int, *, is_dead: bool, hz: int, samples: int, draw: np.random.Generator
) -> list[tuple[int, int, int]]:
    """So many samples of x, y, z at `hz` a second. The ear hangs a little differently each time."""
    signature = SIGNATURES[LYING if is_dead else doing]
    noise_mg = DEAD_NOISE_MG if is_dead else signature.noise_mg
    rhythm_mg = 0.0 if is_dead else signature.rhythm_mg
    pace_hz = signature.rhythm_hz * draw.normal(1.0, 0.08)
    phase = 2 * math.pi * (pace_hz * np.arange(samples) / hz + draw.random())
    axes = np.array(signature.gravity_mg) + draw.normal(0.0, 40.0, 3)
    felt = axes + np.outer(np.sin(phase), rhythm_mg * draw.dirichlet((2.0, 2.0, 2.0)))
    felt += draw.normal(0.0, noise_mg, (samples, 3))
    return [(x, y, z) for x, y, z in np.rint(felt).astype(int).tolist()]
