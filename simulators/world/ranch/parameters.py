"""The parameters of a ranch as its scenario file states them; units are last in the names. Pure."""

import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. A misspelt key is refused."""


class Site(_Part, frozen=True, kw_only=True):
    pens: int
    pen_side_m: float
    pasture_side_m: float
    pasture_pens: int
    """The first so many pens graze on the pasture by day."""
    animals: int


class Herd(_Part, frozen=True, kw_only=True):
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


class Health(_Part, frozen=True, kw_only=True):
    sick_a_year: float
    sick_days_min: float
    sick_days_max: float
    death_a_year: float
    death_after_sickness: float
    fever_mc: int
    normal_mc: int
    normal_sd_mc: int


class Day(_Part, frozen=True, kw_only=True):
    feedings_h: tuple[float, ...]
    lying_h: float
    ruminating_share: float
    night_begins_h: float
    night_ends_h: float
    intake_share: float
    dry_matter: float


class Station(_Part, frozen=True, kw_only=True):
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


class Scale(_Part, frozen=True, kw_only=True):
    chute_share_a_week: float
    chute_begins_h: float
    chute_error_g: int
    walk_over: int
    visits_a_day: float
    walk_over_spread: float
    walk_over_wrong: float
    gut_fill: float


class Wagon(_Part, frozen=True, kw_only=True):
    capacity_g: int
    ingredients: tuple[str, ...]
    shares: tuple[float, ...]
    loading_sd: float
    weight_error_share: float
    resolution_g: int
    moving_noise: float


class Camera(_Part, frozen=True, kw_only=True):
    count: int
    miss: float
    double: float


class Parameters(_Part, frozen=True, kw_only=True):
    site: Site
    herd: Herd
    health: Health
    day: Day
    station: Station
    scale: Scale
    wagon: Wagon
    camera: Camera

    def __post_init__(self) -> None:
        if len(self.wagon.shares) != len(self.wagon.ingredients) or abs(sum(self.wagon.shares) - 1) > 1e-9:
            raise ValueError("wagon.shares: one for each ingredient, 1 in all")
        if not 0 < self.site.pasture_pens <= self.site.pens:
            raise ValueError("site.pasture_pens: 1 to the number of pens")
        if not self.station.near_m < self.station.far_m:
            raise ValueError("station.far_m: beyond near_m")


def read_parameters(text: str, changes: Mapping[str, Mapping[str, Any]] | None = None) -> Parameters:
    """The parameters of a file, with some of its values replaced. Raises msgspec.ValidationError naming the
    key, ValueError for parts that do not fit together."""
    tables = tomllib.loads(text)
    for table, values in (changes or {}).items():
        tables[table] = {**tables.get(table, {}), **values}
    return msgspec.convert(tables, Parameters)
