"""The parameters of a ranch as its scenario file states them; units are last in the names. Pure."""

import tomllib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from simulators.world.tables import Clock, Network, Table

BURST_SAMPLES_MAX = 255
"""A tag counts them in one byte."""


class Site(Table, frozen=True, kw_only=True):
    pens: int
    pen_side_m: float
    pasture_side_m: float
    pasture_pens: int
    """The first so many pens graze on the pasture by day."""
    animals: int


class Herd(Table, frozen=True, kw_only=True):
    """Growth is Gompertz: `W(t) = A exp(-b exp(-k t))`, with b from the mass at birth."""

    age_days_min: int
    age_days_max: int
    adult_kg_mean: float
    adult_kg_sd: float
    growth_a_day: float
    birth_kg: float
    own_growth_sd: float
    price_fen_a_kg: int
    female_share: float


class Health(Table, frozen=True, kw_only=True):
    sick_a_year: float
    sick_days_min: float
    sick_days_max: float
    death_a_year: float
    death_after_sickness: float
    fever_mc: int
    normal_mc: int
    normal_sd_mc: int


class Day(Table, frozen=True, kw_only=True):
    feedings_h: tuple[float, ...]
    lying_h: float
    ruminating_share: float
    night_begins_h: float
    night_ends_h: float
    intake_share: float
    dry_matter: float


class Station(Table, frozen=True, kw_only=True):
    """How base stations hear ear tags."""

    count: int
    beacon_s: int
    heard_near: float
    heard_far: float
    near_m: float
    far_m: float
    behind_bodies: float
    bodies_share: float
    correlation_calm: float
    correlation_bad: float
    bad_weather_share: float
    down_a_month: float
    down_h_min: float
    down_h_max: float
    beat_s: int
    tag_death_a_year: float


class Tag(Table, frozen=True, kw_only=True):
    """What ear tags send beside their beacons: a burst of raw acceleration every so often, 0 for never."""

    burst_every_h: float
    burst_hz: int
    burst_samples: int


class Scale(Table, frozen=True, kw_only=True):
    chute_share_a_week: float
    chute_begins_h: float
    chute_error_g: int
    walk_over: int
    visits_a_day: float
    walk_over_spread: float
    walk_over_wrong: float
    gut_fill: float


class Wagon(Table, frozen=True, kw_only=True):
    capacity_g: int
    ingredients: tuple[str, ...]
    shares: tuple[float, ...]
    loading_sd: float
    weight_error_share: float
    resolution_g: int
    moving_noise: float


class Camera(Table, frozen=True, kw_only=True):
    count: int
    miss: float
    double: float


class Parameters(Table, frozen=True, kw_only=True):
    """All of a ranch."""

    mode: Literal["ranch"]
    site: Site
    herd: Herd
    health: Health
    day: Day
    station: Station
    tag: Tag
    scale: Scale
    wagon: Wagon
    camera: Camera
    clock: Clock
    network: Network

    def __post_init__(self) -> None:
        if len(self.wagon.shares) != len(self.wagon.ingredients) or abs(sum(self.wagon.shares) - 1) > 1e-9:
            raise ValueError("wagon.shares: one for each ingredient, 1 in all")
        if not 0 < self.site.pasture_pens <= self.site.pens:
            raise ValueError("site.pasture_pens: 1 to the number of pens")
        if not self.station.near_m < self.station.far_m:
            raise ValueError("station.far_m: beyond near_m")
        if not 0 <= self.tag.burst_samples <= BURST_SAMPLES_MAX:
            raise ValueError(f"tag.burst_samples: 0 to {BURST_SAMPLES_MAX}")


def read_parameters(text: str, changes: Mapping[str, Mapping[str, Any]] | None = None) -> Parameters:
    """The parameters of a file, with some of its values replaced. Raises msgspec.ValidationError naming the
    key, ValueError for parts that do not fit together."""
    tables = tomllib.loads(text)
    for table, values in (changes or {}).items():
        tables[table] = {**tables.get(table, {}), **values}
    return msgspec.convert(tables, Parameters)
