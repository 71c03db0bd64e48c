"""What readers, cameras and scales make of the truth. Pure, given a stream of randomness.

A tag is heard with a probability whose logit adds what the place gives (level, material, placement), the
lasting luck of this tag with this reader, and a shock that the tags of one bay share. The base is set so
that the average over lasting luck and shocks is the stated rate.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulators.world.luck import base_logit, fading, heard, shock_sd
from simulators.world.warehouse.parameters import Parameters
from simulators.world.warehouse.places import Places
from simulators.world.warehouse.state import Floats, Ints, Pallets

RSSI_CDBM, RSSI_SD_CDBM = -5_800, 500
_ALIKE = "0DOQ", "8B3", "1I7L", "5S6", "2Z7", "GC6", "HNM", "UV", "4A"
LOOKS_LIKE = {
    one: "".join(sorted({other for some in _ALIKE if one in some for other in some} - {one}))
    for one in sorted(set("".join(_ALIKE)))
}
"""What cameras take the characters of a plate for."""
LEFT_OUT = 0.25
"""Of misread plates, those with a character left out (set)."""


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
    reader = parameters.reader
    rates = [reader.pass_read] * (parameters.site.levels - 1) + [reader.pass_read * reader.top_level_factor]
    return _reads(parameters, pallets, chosen, places, rates, forklift, rng)


def _reads(
    parameters: Parameters,
    pallets: Pallets,
    chosen: Ints,
    places: Places,
    rates: Sequence[float],
    reader: int,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which of the `chosen` a reader hears once, at these rates from the floor up, times its goods'. `reader`
    is its column of luck."""
    own = parameters.reader.tag_reader_sd
    shared = shock_sd(parameters.reader.pass_correlation, own)
    spread, goods = math.hypot(own, shared), parameters.reader.pass_material
    base = np.array([[base_logit(rate * factor, spread) for factor in goods] for rate in rates])
    place = pallets.place[chosen]
    logit = (
        base[np.minimum(places.level[place], len(base) - 1), pallets.material[chosen]]
        + pallets.luck[chosen, reader]
        + _bay_shock(place, places, parameters.site.bay_columns, shared, rng)
    )
    return heard(logit, rng) & ~pallets.never_read[chosen] & ~pallets.is_dead[chosen]


def load_read(
    parameters: Parameters, pallets: Pallets, pallet: int, forklift: int, rng: np.random.Generator
) -> bool:
    """Whether a forklift's own reader hears the tag of what is on its fork, at the rate of a pass."""
    if pallets.never_read[pallet] or pallets.is_dead[pallet]:
        return False
    reader = parameters.reader
    rate = reader.pass_read * reader.pass_material[int(pallets.material[pallet])]
    logit = base_logit(rate, reader.tag_reader_sd) + float(pallets.luck[pallet, forklift])
    return bool(rng.random() < 1 / (1 + math.exp(-logit)))


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


def overhead_reads(
    parameters: Parameters,
    pallets: Pallets,
    chosen: Ints,
    places: Places,
    number: int,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which of the pallets below it a reader under the roof hears in one round."""
    devices = parameters.devices
    column = devices.forklifts + devices.portals + number
    return _reads(parameters, pallets, chosen, places, parameters.reader.overhead_read, column, rng)


def beacons_heard(
    parameters: Parameters,
    pallets: Pallets,
    chosen: Ints,
    far_m: Floats,
    station: int,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which of the active tags at these distances a station hears, of one beacon each."""
    active, devices, own = parameters.active, parameters.devices, parameters.reader.tag_reader_sd
    shared = shock_sd(active.correlation, own)
    near, far = (active.near_m, active.heard_near), (active.far_m, active.heard_far)
    column = devices.forklifts + devices.portals + devices.overhead_readers + station
    logit = fading(far_m, near, far, math.hypot(own, shared)) + pallets.luck[chosen, column]
    open_air = 1 / (1 + np.exp(-(logit + rng.normal(0.0, shared))))
    behind = rng.random(len(chosen)) < active.metal_share
    chance = np.where(behind, open_air - active.behind_metal, open_air)
    return np.asarray(rng.random(len(chosen)) < chance)


def portal_reads(
    parameters: Parameters, pallets: Pallets, pallet: int, portal: int, rng: np.random.Generator
) -> int:
    """In how many inventory rounds a portal hears the tag during one crossing; 0 when not at all."""
    luck = float(pallets.luck[pallet, parameters.devices.forklifts + portal])
    return _portal_rounds(parameters, pallets, pallet, luck, rng)


def portal_elsewhere_reads(
    parameters: Parameters, pallets: Pallets, pallet: int, rng: np.random.Generator
) -> int:
    """The same of a portal like these at another site, with which the tag's luck is not known yet."""
    luck = float(rng.normal(0.0, parameters.reader.tag_reader_sd))
    return _portal_rounds(parameters, pallets, pallet, luck, rng)


def _portal_rounds(
    parameters: Parameters, pallets: Pallets, pallet: int, luck: float, rng: np.random.Generator
) -> int:
    reader = parameters.reader
    rate = reader.portal_read[int(pallets.material[pallet])]
    chance = 1 / (1 + math.exp(-(base_logit(rate, reader.tag_reader_sd) + luck)))
    if pallets.is_dead[pallet] or rng.random() >= min(chance, float(pallets.portal_factor[pallet])):
        return 0
    return 1 + int(rng.binomial(2 * reader.portal_reads_a_crossing - 2, 0.5))


def misread(plate: str, rng: np.random.Generator) -> str:
    """A plate as a camera misreads it: one character for one that looks like it, or one left out."""
    alike = [place for place, character in enumerate(plate) if character in LOOKS_LIKE]
    if not alike or rng.random() < LEFT_OUT:
        place = int(rng.integers(1, len(plate)))
        return plate[:place] + plate[place + 1 :]
    place = alike[int(rng.integers(len(alike)))]
    others = LOOKS_LIKE[plate[place]]
    return plate[:place] + others[int(rng.integers(len(others)))] + plate[place + 1 :]


def wrong_antennas(parameters: Parameters, right: Ints, rng: np.random.Generator) -> Ints:
    """By which of a portal's two antennas rounds heard a tag, given the one that looks at it."""
    wrong = rng.random(len(right)) < parameters.reader.wrong_antenna
    return np.where(wrong, 3 - right, right).astype(np.int32)


def weighing_g(
    mass_g: int,
    interval_g: int,
    intervals: float,
    drift: float,
    rng: np.random.Generator,
    *,
    zero_g: float = 0.0,
) -> int:
    """What a scale in service shows: the error grows with the load up to the bound, in whole intervals.
    `drift` is a share of the load, `zero_g` is how far its zero has wandered."""
    bound_g = interval_g * intervals * min(1.0, mass_g / (1_000 * interval_g))
    shown = mass_g * (1 + drift) + zero_g + rng.uniform(-bound_g, bound_g)
    return max(0, round(shown / interval_g) * interval_g)
