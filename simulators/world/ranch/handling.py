"""What people and machines do with animals: feeding, weighing, gates. Pure, given a stream of randomness."""

import math

import numpy as np

from simulators.world.ranch.build import DAY_S
from simulators.world.ranch.living import grazes
from simulators.world.ranch.parameters import Parameters
from simulators.world.ranch.state import SICK, Dropped, Flags, Floats, Herd, Loaded, Passed, Stood

CHUTE = "chute-1"
LOADING_S, DRIVING_S = 240.0, 90.0
CHUTE_S = 45.0


def starts_within(time_s: float, dt_s: float, hour: float) -> bool:
    """Whether the step begins or contains this hour of the day."""
    return 0 <= hour * 3_600 - time_s % DAY_S < dt_s


def fed(
    parameters: Parameters,
    herd: Herd,
    at_s: float,
    first_batch: int,
    carried_g: float,
    draw: np.random.Generator,
) -> tuple[list[Loaded | Dropped], Floats, int, float]:
    """One feeding of all pens: batches are loaded and dropped. Returns what the weigh bars told, what each
    animal ate, the next batch's number, and what stays in the wagon."""
    day, wagon = parameters.day, parameters.wagon
    wanted_g = appetite_g(parameters, herd) / len(day.feedings_h)
    hungry_g = np.where(herd.is_here, wanted_g, 0.0)
    by_pen = np.bincount(np.maximum(herd.pen, 0), hungry_g, parameters.site.pens).astype(np.float64)
    told: list[Loaded | Dropped] = []
    eaten_g = np.zeros(herd.count)
    batch, left_g, now_s = first_batch, carried_g, at_s
    for pens in _rounds(by_pen, wagon.capacity_g):
        target_g = float(by_pen[pens].sum())
        came_g = 0.0
        for name, share in zip(wagon.ingredients, wagon.shares, strict=True):
            part_g = target_g * share
            truly_g = max(0.0, part_g * (1 + draw.normal(0.0, wagon.loading_sd)))
            came_g += truly_g
            now_s += LOADING_S / len(wagon.ingredients)
            shown = shown_g(parameters, truly_g, draw)
            told.append(Loaded(now_s, batch, name, round(part_g), shown, round(truly_g)))
        left_g += came_g
        for pen in pens:
            share = by_pen[pen] / max(target_g, 1.0)
            dropped_g = min(left_g, came_g * share * (1 + draw.normal(0.0, wagon.moving_noise)))
            left_g -= dropped_g
            now_s += DRIVING_S
            shown = shown_g(parameters, dropped_g, draw)
            told.append(Dropped(now_s, batch, int(pen), shown, round(dropped_g)))
            eaten_g += shared_g(herd, pen, dropped_g, wanted_g)
        batch += 1
    return told, eaten_g, batch, left_g


def appetite_g(parameters: Parameters, herd: Herd) -> Floats:
    """What each animal would eat in a day, as fed; a sick one far less."""
    day = parameters.day
    well = herd.mass_g * day.intake_share / day.dry_matter
    appetite: Floats = np.where(herd.health == SICK, 0.45 * well, well)
    return appetite


def shared_g(herd: Herd, pen: int, dropped_g: float, wanted_g: Floats) -> Floats:
    """A pen's feed by appetite: the truth that no device sees."""
    mine = np.where(herd.is_here & (herd.pen == pen), wanted_g, 0.0)
    total = float(mine.sum())
    part: Floats = mine * (dropped_g / total) if total else mine
    return part


def shown_g(parameters: Parameters, mass_g: float, draw: np.random.Generator) -> int:
    """What the wagon's weigh bars show: off by a share, in steps of its resolution."""
    wagon = parameters.wagon
    off_g = mass_g * (1 + draw.normal(0.0, wagon.weight_error_share))
    return max(0, round(off_g / wagon.resolution_g) * wagon.resolution_g)


def _rounds(by_pen: Floats, capacity_g: int) -> list[list[int]]:
    """Pens that one load of the wagon feeds."""
    rounds: list[list[int]] = [[]]
    load_g = 0.0
    for pen, wanted_g in enumerate(by_pen):
        if load_g + wanted_g > capacity_g and rounds[-1]:
            rounds.append([])
            load_g = 0.0
        rounds[-1].append(pen)
        load_g += wanted_g
    return [pens for pens in rounds if by_pen[pens].sum() > 0]


def weighed_in_chute(
    parameters: Parameters, herd: Herd, at_s: float, draw: np.random.Generator
) -> list[Stood]:
    """The part of the herd that passes the chute today, one after the other."""
    scale = parameters.scale
    here = np.flatnonzero(herd.is_here)
    count = round(len(here) * scale.chute_share_a_week / 7)
    chosen = draw.permutation(here)[:count]
    shown = filled_g(parameters, herd.mass_g[chosen], draw) + draw.normal(0.0, scale.chute_error_g, count)
    is_heard = woken(parameters, herd, chosen, draw)
    return [
        Stood(
            CHUTE, at_s + CHUTE_S * number, int(animal), max(0, round(float(mass_g) / 500) * 500), bool(heard)
        )
        for number, (animal, mass_g, heard) in enumerate(zip(chosen, shown, is_heard, strict=True))
    ]


def weighed_walking(
    parameters: Parameters, herd: Herd, at_s: float, dt_s: float, draw: np.random.Generator
) -> list[Stood]:
    """Those that walk over the scale before a drinker within the step."""
    scale = parameters.scale
    beside = herd.is_here & (herd.pen >= parameters.site.pens - scale.walk_over)
    visits = beside & (draw.random(herd.count) < -math.expm1(-scale.visits_a_day * dt_s / DAY_S))
    chosen = np.flatnonzero(visits)
    spread = np.exp(draw.normal(0.0, scale.walk_over_spread, len(chosen)))
    wrong = draw.random(len(chosen)) < scale.walk_over_wrong
    factor = np.where(wrong, draw.choice([0.5, 1.6, 2.0], len(chosen)), spread)
    shown = filled_g(parameters, herd.mass_g[chosen], draw) * factor
    at = np.sort(draw.uniform(at_s, at_s + dt_s, len(chosen)))
    first = parameters.site.pens - scale.walk_over
    is_heard = woken(parameters, herd, chosen, draw)
    return [
        Stood(
            f"walk-over-{int(herd.pen[animal]) - first + 1}",
            float(when),
            int(animal),
            int(mass_g) // 1_000 * 1_000,
            bool(heard),
        )
        for animal, when, mass_g, heard in zip(chosen, at, shown, is_heard, strict=True)
    ]


def woken(parameters: Parameters, herd: Herd, animals: np.ndarray, draw: np.random.Generator) -> Flags:
    """Whose tags the station beside a scale hears: the living ones, as well as any beacon from near by that
    meets bodies."""
    station = parameters.station
    chance = station.heard_near - station.behind_bodies * station.bodies_share
    heard: Flags = ~herd.tag_is_dead[animals] & (draw.random(len(animals)) < chance)
    return heard


def filled_g(parameters: Parameters, mass_g: Floats, draw: np.random.Generator) -> Floats:
    """Body mass with what the gut holds at the moment."""
    fill = parameters.scale.gut_fill
    filled: Floats = mass_g * (1 + draw.uniform(-fill, fill, len(mass_g)))
    return filled


def counted_at_gates(
    parameters: Parameters, herd: Herd, at_s: float, dt_s: float, draw: np.random.Generator
) -> list[Passed]:
    """The herds that graze go out through the gates and come home: cameras count them."""
    before, after = grazes(parameters, at_s), grazes(parameters, at_s + dt_s)
    if before == after:
        return []
    camera, passed = parameters.camera, []
    for pen in range(parameters.site.pasture_pens):
        truly = int((herd.is_here & (herd.pen == pen)).sum())
        missed, twice = draw.binomial(truly, camera.miss), draw.binomial(truly, camera.double)
        counted = truly - int(missed) + int(twice)
        when_s = at_s + dt_s * (pen + 1) / (parameters.site.pasture_pens + 1)
        passed.append(Passed(pen % camera.count, when_s, pen, "out" if after else "in", counted, truly))
    return passed
