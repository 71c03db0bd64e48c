"""What readers, cameras and scales make of the truth. Pure, given a stream of randomness.

A tag is heard with a probability whose logit adds what the place gives (level, material, placement), the
lasting luck of this tag with this reader, and a shock that the tags of one bay share. The base is set so
that the average over lasting luck and shocks is the stated rate.
"""

import math

import numpy as np
from numpy.typing import NDArray

from simulators.world.luck import base_logit, heard, shock_sd
from simulators.world.warehouse.parameters import Parameters
from simulators.world.warehouse.places import Places
from simulators.world.warehouse.state import Floats, Ints, Pallets

RSSI_CDBM, RSSI_SD_CDBM = -5_800, 500


def rssi_cdbm(count: int, draw: np.random.Generator) -> Ints:
    noise = draw.normal(RSSI_CDBM, RSSI_SD_CDBM, count)
    return np.clip(np.rint(noise), -8_500, -3_000).astype(np.int32)


def pass_reads(
    parameters: Parameters,
    pallets: Pallets,
    chosen: Ints,
    places: Places,
    forklift: int,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which of the `chosen` pallets, standing in their places, a forklift's reader hears in one pass."""
    reader, site = parameters.reader, parameters.site
    own, shared = reader.tag_reader_sd, shock_sd(reader.pass_correlation, reader.tag_reader_sd)
    spread = math.hypot(own, shared)
    top = places.level[pallets.place[chosen]] == site.levels - 1
    logit = np.where(
        top,
        base_logit(reader.pass_read * reader.top_level_factor, spread),
        base_logit(reader.pass_read, spread),
    )
    logit = (
        logit
        + pallets.luck[chosen, forklift]
        + _bay_shock(pallets.place[chosen], places, site.bay_columns, shared, rng)
    )
    return heard(logit, rng) & ~pallets.never_read[chosen] & ~pallets.is_dead[chosen]


def sweep_reads(
    parameters: Parameters, pallets: Pallets, chosen: Ints, places: Places, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which of the `chosen` pallets a drone or cart hears in its nightly sweep."""
    reader, site = parameters.reader, parameters.site
    own, shared = reader.tag_reader_sd, shock_sd(reader.sweep_correlation, reader.tag_reader_sd)
    spread = math.hypot(own, shared)
    base = np.array([base_logit(rate, spread) for rate in reader.sweep_read])
    logit = base[pallets.placement[chosen]] + pallets.luck[chosen, -1]
    logit = logit + _bay_shock(pallets.place[chosen], places, site.bay_columns, shared, rng)
    return heard(logit, rng) & ~pallets.never_read[chosen] & ~pallets.is_dead[chosen]


def _bay_shock(place: Ints, places: Places, bay_columns: int, sd: float, rng: np.random.Generator) -> Floats:
    """One draw for each bay: the columns of a bay, all levels, one side of the aisle."""
    bays = places.shape[2] // bay_columns + 1
    bay = (2 * places.aisle[place] + places.side[place]) * bays + places.column[place] // bay_columns
    names, which = np.unique(bay, return_inverse=True)
    return np.asarray(rng.normal(0.0, sd, len(names))[which])


def portal_reads(parameters: Parameters, pallets: Pallets, pallet: int, rng: np.random.Generator) -> int:
    """In how many inventory rounds a portal hears the tag during one crossing; 0 when not at all."""
    reader = parameters.reader
    rate = min(reader.portal_read[int(pallets.material[pallet])], float(pallets.portal_factor[pallet]))
    if pallets.is_dead[pallet] or rng.random() >= rate:
        return 0
    return 1 + int(rng.binomial(2 * reader.portal_reads_a_crossing - 2, 0.5))


def weighing_g(mass_g: int, interval_g: int, intervals: float, drift: float, rng: np.random.Generator) -> int:
    """What a scale in service shows: the error grows with the load up to the bound, in whole intervals."""
    bound_g = interval_g * intervals * min(1.0, mass_g / (1_000 * interval_g))
    shown = mass_g * (1 + drift) + rng.uniform(-bound_g, bound_g)
    return max(0, round(shown / interval_g) * interval_g)
