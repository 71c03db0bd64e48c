"""A ranch at midnight of its first day. Pure."""

import math
from collections.abc import Sequence

import numpy as np

from kernel.rng import Rng
from simulators.world.ranch.parameters import Parameters
from simulators.world.ranch.state import HEALTHY, LYING, Floats, Herd, Ranch
from simulators.world.ranch.troubles import Trouble

DAY_S = 86_400.0
LUCK_SD = 0.6
"""Spread of a tag's lasting luck with a station, in logits (set)."""


def build_ranch(parameters: Parameters, rng: Rng, troubles: Sequence[Trouble] = ()) -> Ranch:
    """The ranch of a seed: every animal in its pen, all lying, all well. `troubles` befall it later."""
    site, station = parameters.site, parameters.station
    pens = np.arange(site.animals, dtype=np.int32) % site.pens
    x_m, y_m = pen_middles(parameters)
    station_x_m, station_y_m = station_places(parameters)
    return Ranch(
        parameters=parameters,
        time_s=0.0,
        herd=draw_herd(parameters, pens, rng.child("herd")),
        herd_x_m=x_m,
        herd_y_m=y_m,
        station_x_m=station_x_m,
        station_y_m=station_y_m,
        station_down_until_s=np.zeros(station.count),
        is_bad_weather=False,
        next_batch=1,
        carried_g=0.0,
        troubles=tuple(troubles),
    )


def draw_herd(parameters: Parameters, pens: np.ndarray, rng: Rng) -> Herd:
    """New animals in these pens, of the ages that the ranch keeps."""
    herd, health, draw = parameters.herd, parameters.health, rng.numpy
    count = len(pens)
    age_days = draw.uniform(herd.age_days_min, herd.age_days_max, count)
    adult_g = np.maximum(350_000.0, draw.normal(herd.adult_kg_mean, herd.adult_kg_sd, count) * 1_000)
    growth = herd.growth_a_day * np.exp(draw.normal(0.0, herd.own_growth_sd, count))
    middle_x_m, middle_y_m = pen_middles(parameters)
    half_m = parameters.site.pen_side_m / 2
    return Herd(
        birth_s=-age_days * DAY_S,
        is_female=draw.random(count) < herd.female_share,
        adult_g=adult_g,
        growth_a_day=growth,
        mass_g=curve_g(parameters, adult_g, growth, age_days),
        normal_mc=np.rint(draw.normal(health.normal_mc, health.normal_sd_mc, count)).astype(np.int32),
        pen=pens.astype(np.int32),
        x_m=middle_x_m[pens] + draw.uniform(-half_m, half_m, count),
        y_m=middle_y_m[pens] + draw.uniform(-half_m, half_m, count),
        doing=np.full(count, LYING, dtype=np.int32),
        lay_s=np.full(count, parameters.day.lying_h * 3_600),
        health=np.full(count, HEALTHY, dtype=np.int32),
        until_s=np.zeros(count),
        will_die=np.zeros(count, dtype=np.bool_),
        tag_is_dead=np.zeros(count, dtype=np.bool_),
        luck=draw.normal(0.0, LUCK_SD, (count, parameters.station.count)).astype(np.float32),
        intake_g=np.zeros(count),
    )


def curve_g(parameters: Parameters, adult_g: Floats, growth_a_day: Floats, age_days: Floats) -> Floats:
    """Gompertz: `A exp(-b exp(-k t))`; b is such that the mass at birth is the parameter's."""
    b = np.log(adult_g / (parameters.herd.birth_kg * 1_000))
    mass_g: Floats = adult_g * np.exp(-b * np.exp(-growth_a_day * age_days))
    return mass_g


def pen_middles(parameters: Parameters) -> tuple[Floats, Floats]:
    """Pens stand in two rows along the south of the pasture."""
    site = parameters.site
    columns = math.ceil(site.pens / 2)
    numbers = np.arange(site.pens)
    x_m = (numbers % columns + 0.5) * site.pen_side_m
    y_m = -(numbers // columns + 0.5) * site.pen_side_m
    return x_m.astype(np.float64), y_m.astype(np.float64)


def station_places(parameters: Parameters) -> tuple[Floats, Floats]:
    """Half of the stations stand among the pens, the others over the pasture."""
    site, count = parameters.site, parameters.station.count
    by_pens = max(1, count // 2)
    width_m = math.ceil(site.pens / 2) * site.pen_side_m
    pens_x_m = (np.arange(by_pens) + 0.5) * width_m / by_pens
    side = max(1, math.ceil(math.sqrt(count - by_pens)))
    numbers = np.arange(count - by_pens)
    cell_m = site.pasture_side_m / side
    x_m = np.concatenate([pens_x_m, (numbers % side + 0.5) * cell_m])
    y_m = np.concatenate([np.full(by_pens, -site.pen_side_m), (numbers // side + 0.5) * cell_m])
    return x_m, y_m
