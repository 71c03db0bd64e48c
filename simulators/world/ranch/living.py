"""What animals do of themselves: the day's rhythm, growth, sickness and death, where the herd goes. Pure.

An animal lies, ruminates, stands, feeds or walks for a step. The chance of lying follows the hour and how
long it has lain within the last day, so that each lies about as long as the parameters say, most of it at
night; a sick one lies more and feeds less. Herds that graze leave for the pasture after the first feeding and
come back before the last; within a herd animals stay near its middle and drift on their own.
"""

import math

import numpy as np

from simulators.world.ranch.build import DAY_S, curve_g, pen_middles
from simulators.world.ranch.parameters import Parameters
from simulators.world.ranch.state import (
    DEAD,
    FEEDING,
    HEALTHY,
    LYING,
    RUMINATING,
    SICK,
    STANDING,
    WALKING,
    Flags,
    Floats,
    Herd,
    Ints,
)

YEAR_S = 365.25 * DAY_S
FEEDING_S = 5_400.0
"""After the wagon came, most eat."""
SPREAD_M = 12.0
WANDER_M = 1.6
"""An animal's own drift in a step of five minutes, in metres a root of a step (set)."""
CROWD_M = 4.0
"""Half of how far a herd reaches that crowds in a corner (set)."""
SICK_GROWTH = -0.35
"""A sick animal loses this share of what it would gain."""


def hour_of(time_s: float) -> float:
    return time_s % DAY_S / 3_600


def is_night(parameters: Parameters, time_s: float) -> bool:
    hour, day = hour_of(time_s), parameters.day
    return hour >= day.night_begins_h or hour < day.night_ends_h


def is_fed_now(parameters: Parameters, time_s: float) -> bool:
    """Whether the wagon came within the last hour and a half."""
    hour = hour_of(time_s)
    return any(0 <= (hour - at) * 3_600 < FEEDING_S for at in parameters.day.feedings_h)


def grazes(parameters: Parameters, time_s: float) -> bool:
    """Whether the herds that graze are out on the pasture."""
    first, last = parameters.day.feedings_h[0], parameters.day.feedings_h[-1]
    return first + 1.5 <= hour_of(time_s) < last - 0.5


def doings(
    parameters: Parameters, herd: Herd, time_s: float, dt_s: float, draw: np.random.Generator
) -> tuple[Ints, Floats]:
    """What each animal does in the step, and how long it has lain within the last day."""
    day = parameters.day
    wanted_s = day.lying_h * 3_600 * np.where(herd.health == SICK, 1.25, 1.0)
    # Those that lay too little catch up, at night first.
    lack = (wanted_s - herd.lay_s) / 3_600
    base = 1.1 if is_night(parameters, time_s) else -0.7
    lying = 1 / (1 + np.exp(-(base + 0.9 * lack)))
    is_out = grazes(parameters, time_s) & (herd.pen < parameters.site.pasture_pens)
    feeding = np.where(is_fed_now(parameters, time_s), 0.75, np.where(is_out, 0.55, 0.10))
    feeding = np.where(herd.health == SICK, 0.4 * feeding, feeding)
    lying = np.where(is_fed_now(parameters, time_s) & (herd.health == HEALTHY), 0.25 * lying, lying)
    chance, kind = draw.random(herd.count), draw.random(herd.count)
    upright = np.where(kind < feeding, FEEDING, np.where(kind < feeding + 0.08, WALKING, STANDING))
    down = np.where(kind < day.ruminating_share, RUMINATING, LYING)
    doing = np.where(chance < lying, down, upright)
    doing = np.where(herd.health == DEAD, LYING, doing).astype(np.int32)
    lies = doing <= RUMINATING
    lay_s = herd.lay_s * (1 - dt_s / DAY_S) + np.where(lies, dt_s, 0.0)
    return doing, lay_s


def grown_g(parameters: Parameters, herd: Herd, time_s: float, dt_s: float) -> Floats:
    """Mass after the step: the curve's gain, for the sick a loss instead."""
    age_days = (time_s - herd.birth_s) / DAY_S
    before = curve_g(parameters, herd.adult_g, herd.growth_a_day, age_days)
    after = curve_g(parameters, herd.adult_g, herd.growth_a_day, age_days + dt_s / DAY_S)
    factor = np.select([herd.health == HEALTHY, herd.health == SICK], [1.0, SICK_GROWTH], 0.0)
    mass_g: Floats = herd.mass_g + factor * (after - before)
    return mass_g


def sickened(
    parameters: Parameters, herd: Herd, time_s: float, dt_s: float, draw: np.random.Generator
) -> tuple[Ints, Floats, Flags, Flags]:
    """Health after the step, until when, which of the sick will not recover, and which died in it."""
    health, here = parameters.health, herd.is_here
    falls_ill = here & (herd.health == HEALTHY) & _within(health.sick_a_year, dt_s, herd.count, draw)
    lasts_s = draw.uniform(health.sick_days_min, health.sick_days_max, herd.count) * DAY_S
    until_s = np.where(falls_ill, time_s + lasts_s, herd.until_s)
    will_die = np.where(falls_ill, draw.random(herd.count) < health.death_after_sickness, herd.will_die)
    ends = (herd.health == SICK) & (time_s >= herd.until_s)
    of_sickness = health.sick_a_year * health.death_after_sickness
    suddenly = here & _within(max(0.0, health.death_a_year - of_sickness), dt_s, herd.count, draw)
    dies = (ends & herd.will_die) | suddenly
    now = np.where(falls_ill, SICK, np.where(ends, HEALTHY, herd.health))
    now = np.where(dies, DEAD, now).astype(np.int32)
    return now, until_s, will_die.astype(np.bool_), dies


def _within(a_year: float, dt_s: float, count: int, draw: np.random.Generator) -> Flags:
    """Who meets within the step what happens so often a year."""
    met: Flags = draw.random(count) < -math.expm1(-a_year * dt_s / YEAR_S)
    return met


def middles(
    parameters: Parameters, x_m: Floats, y_m: Floats, time_s: float, draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """Where the middle of each pen's herd is after the step: in its pen, or walking over the pasture."""
    site = parameters.site
    home_x_m, home_y_m = pen_middles(parameters)
    if not grazes(parameters, time_s):
        return home_x_m, home_y_m
    out = np.arange(site.pens) < site.pasture_pens
    jump_x_m, jump_y_m = draw.normal(0.0, 18.0, site.pens), draw.normal(0.0, 18.0, site.pens)
    at_home = y_m < 0
    start_x_m = np.where(at_home, site.pasture_side_m * (np.arange(site.pens) + 0.5) / site.pens, x_m)
    start_y_m = np.where(at_home, site.pasture_side_m * 0.15, y_m)
    edge_m = 40.0
    new_x_m = np.clip(start_x_m + jump_x_m, edge_m, site.pasture_side_m - edge_m)
    new_y_m = np.clip(start_y_m + jump_y_m, edge_m, site.pasture_side_m - edge_m)
    return np.where(out, new_x_m, home_x_m), np.where(out, new_y_m, home_y_m)


def places(
    parameters: Parameters, herd: Herd, doing: Ints, middle: tuple[Floats, Floats], draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """Each animal drifts by what it does, is drawn to its herd's middle, and stays within the fence."""
    pen = np.maximum(herd.pen, 0)
    step_m = WANDER_M * np.select([doing <= RUMINATING, doing == WALKING], [0.1, 6.0], 2.0)
    half_m = parameters.site.pen_side_m / 2 - 1.0
    moved = []
    for place, at in ((herd.x_m, middle[0][pen]), (herd.y_m, middle[1][pen])):
        pull = 0.15 * np.clip((at - place) / SPREAD_M, -4.0, 4.0) * step_m
        drifted = place + pull + draw.normal(0.0, 1.0, herd.count) * step_m
        # A herd that went out or came home is with its middle again.
        far = np.abs(at - place) > 3 * half_m
        drifted = np.where(far, at + draw.normal(0.0, SPREAD_M, herd.count), drifted)
        moved.append(np.clip(drifted, at - half_m, at + half_m))
    still = herd.health == DEAD
    return np.where(still, herd.x_m, moved[0]), np.where(still, herd.y_m, moved[1])


def corners(parameters: Parameters) -> tuple[Floats, Floats]:
    """The corner of each pen, away from the wind, in which its herd crowds in a storm."""
    x_m, y_m = pen_middles(parameters)
    half_m = parameters.site.pen_side_m / 2 - CROWD_M
    return x_m + half_m, y_m + half_m


def crowded(herd: Herd, middle: tuple[Floats, Floats], draw: np.random.Generator) -> tuple[Floats, Floats]:
    """Where each animal stands, as close to the others as it can; a dead one lies where it lay."""
    pen = np.maximum(herd.pen, 0)
    still = herd.health == DEAD
    moved = []
    for place, at in ((herd.x_m, middle[0][pen]), (herd.y_m, middle[1][pen])):
        moved.append(np.where(still, place, at + draw.uniform(-CROWD_M, CROWD_M, herd.count)))
    return moved[0], moved[1]
