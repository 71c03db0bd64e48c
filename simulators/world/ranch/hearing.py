"""Which base station hears which ear tag. Pure, given a stream of randomness.

The chance falls with the distance, from `heard_near` to `heard_far` and on at the same slope in logits; some
beacons meet bodies or metal. A tag's luck with a station lasts, and the tags of one station and hour share a
shock, stronger in bad weather: misses are not independent. A station that is down hears nothing.
"""

import math

import numpy as np

from simulators.world.luck import fading, shock_sd
from simulators.world.ranch.build import LUCK_SD
from simulators.world.ranch.living import hour_of
from simulators.world.ranch.parameters import Parameters
from simulators.world.ranch.state import (
    DEAD,
    MOTION_MG,
    RUMINATING,
    SICK,
    Beat,
    Floats,
    Heard,
    Herd,
    Ints,
    Ranch,
)

OUT_OF_REACH_M = 900.0
RSSI_AT_50_M_CDBM, RSSI_A_DECADE_CDBM, RSSI_SD_CDBM = -8_200, -2_700, 350
"""Free field with bodies, and its scatter (set)."""
AMBIENT_MC = 12_000
COOLING_H = 6.0
"""A carcass cools towards the air with this time constant (set)."""


def heard_by(
    world: Ranch, herd: Herd, at_s: float, dt_s: float, draw: np.random.Generator
) -> tuple[list[Heard | Beat], Floats]:
    """What all stations hear of the beacons of one step, and when those that stopped work again."""
    parameters, station = world.parameters, world.parameters.station
    down_until_s = stopped(parameters, world.station_down_until_s, at_s, dt_s, draw)
    sending = np.flatnonzero((herd.pen >= 0) & ~herd.tag_is_dead)
    says = beacons(parameters, herd, sending, at_s, draw)
    found: list[Heard | Beat] = []
    shocks = draw.normal(0.0, 1.0, station.count)
    correlation = station.correlation_bad if world.is_bad_weather else station.correlation_calm
    for number in range(station.count):
        is_heard = draw.random(len(sending)) < chance(
            parameters,
            np.hypot(
                herd.x_m[sending] - world.station_x_m[number], herd.y_m[sending] - world.station_y_m[number]
            ),
            herd.luck[sending, number],
            shocks[number] * shock_sd(correlation, LUCK_SD),
            draw,
        )
        if down_until_s[number] > at_s:
            continue
        chosen = np.flatnonzero(is_heard)
        animals = sending[chosen].astype(np.int32)
        if len(animals):
            far_m = np.hypot(
                herd.x_m[animals] - world.station_x_m[number], herd.y_m[animals] - world.station_y_m[number]
            )
            parts = [part[chosen] for part in says]
            found.append(Heard(number, at_s, animals, rssi_cdbm(far_m, draw), *parts))
        if at_s % station.beat_s < dt_s:
            found.append(Beat(number, at_s, len(animals)))
    return found, down_until_s


def chance(
    parameters: Parameters, far_m: Floats, luck: Floats, shock: float, draw: np.random.Generator
) -> Floats:
    """That a beacon is heard over these distances."""
    station = parameters.station
    spread = math.hypot(LUCK_SD, shock_sd(station.correlation_calm, LUCK_SD))
    near, far = (station.near_m, station.heard_near), (station.far_m, station.heard_far)
    logit = fading(far_m, near, far, spread) + luck + shock
    open_field = 1 / (1 + np.exp(-logit))
    behind = draw.random(len(far_m)) < station.bodies_share
    heard: Floats = np.where(behind, np.maximum(0.0, open_field - station.behind_bodies), open_field)
    return np.where(far_m > OUT_OF_REACH_M, 0.0, heard)


def stopped(
    parameters: Parameters, until_s: Floats, at_s: float, dt_s: float, draw: np.random.Generator
) -> Floats:
    """Stations that stop, for hours: power, mast, network card."""
    station = parameters.station
    often = station.down_a_month * dt_s / (30 * 86_400.0)
    stops = (draw.random(station.count) < often) & (until_s <= at_s)
    lasts_s = draw.uniform(station.down_h_min, station.down_h_max, station.count) * 3_600
    return np.where(stops, at_s + lasts_s, until_s)


def beacons(
    parameters: Parameters, herd: Herd, sending: np.ndarray, at_s: float, draw: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Temperature, motion and share of lying that these tags tell of the step."""
    health = parameters.health
    fever = np.where(herd.health[sending] == SICK, health.fever_mc, 0)
    swing = 300 * math.sin((hour_of(at_s) - 10) / 24 * 2 * math.pi)
    body_mc = herd.normal_mc[sending] + fever + swing + draw.normal(0.0, 120.0, len(sending))
    is_dead = herd.health[sending] == DEAD
    dead_h = np.maximum(0.0, at_s - herd.until_s[sending]) / 3_600
    cold_mc = AMBIENT_MC + (herd.normal_mc[sending] - AMBIENT_MC) * np.exp(-dead_h / COOLING_H)
    temperature = np.rint(np.where(is_dead, cold_mc, body_mc)).astype(np.int32)
    usual = np.array(MOTION_MG)[herd.doing[sending]] * np.exp(draw.normal(0.0, 0.25, len(sending)))
    motion = np.where(is_dead, draw.integers(0, 4, len(sending)), np.rint(usual)).astype(np.int32)
    lies = herd.doing[sending] <= RUMINATING
    permille = np.where(lies, draw.integers(850, 1_001, len(sending)), draw.integers(0, 120, len(sending)))
    return temperature, motion, np.where(is_dead, 1_000, permille).astype(np.int32)


def rssi_cdbm(far_m: Floats, draw: np.random.Generator) -> Ints:
    decades = np.log10(np.maximum(far_m, 5.0) / 50.0)
    level = RSSI_AT_50_M_CDBM + RSSI_A_DECADE_CDBM * decades + draw.normal(0.0, RSSI_SD_CDBM, len(far_m))
    return np.clip(np.rint(level), -13_500, -3_000).astype(np.int32)
