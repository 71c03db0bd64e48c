"""The parameters of a warehouse as its scenario file states them; units are last in the names. Pure."""

import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from simulators.world.tables import Clock, Network, Table


class Site(Table, frozen=True, kw_only=True):
    width_m: float
    length_m: float
    aisles: int
    columns: int
    levels: int
    column_pitch_mm: int
    bay_columns: int
    owners: int
    lots: int
    filled_share: float
    material_shares: tuple[float, float, float]
    mass_g_min: int
    mass_g_max: int
    price_fen_a_kg: tuple[int, int, int]
    """By material, in fen; what the truth of an act is worth."""


class Flow(Table, frozen=True, kw_only=True):
    """What moves in a day; hours are of the site's own day."""

    pallets_in: int
    pallets_out: int
    relocations: int
    pallets_a_truck: int
    first_truck_h: float
    last_truck_h: float
    day_begins_h: float
    day_ends_h: float
    misplaced_day: float
    misplaced_night: float
    corrected_share: float
    weighed_twice_share: float
    night_shift_h: float
    truck_tare_g_min: int
    truck_tare_g_max: int


class Devices(Table, frozen=True, kw_only=True):
    forklifts: int
    handhelds: int
    portals: int
    overhead_readers: int
    overhead_columns: int
    overhead_every_s: int
    stations: int
    yard_trackers: int
    climate_sensors: int
    climate_every_s: int
    gates: int
    floor_scales: int
    cameras: int
    camera_every_s: int
    sweep_share: float
    sweep_begins_h: float


class Reader(Table, frozen=True, kw_only=True):
    """Rates of passive UHF tags; lists go by material, placement or level."""

    portal_read: tuple[float, float, float]
    badly_placed_share: float
    badly_placed_read: float
    portal_reads_a_crossing: int
    stray_share: float
    stray_reads: int
    wrong_antenna: float
    pass_read: float
    """Of a tag in a bay that is passed. No rate of a load on the fork is published: its own reader hears it
    as often as one that it passes, once for the whole way that it is carried."""
    pass_material: tuple[float, float, float]
    top_level_factor: float
    pass_correlation: float
    tag_reader_sd: float
    never_read_share: float
    sweep_read: tuple[float, float, float]
    placement_shares: tuple[float, float, float]
    sweep_correlation: float
    tag_death_a_year: float
    overhead_read: tuple[float, ...]


class Active(Table, frozen=True, kw_only=True):
    """Tags with a battery on the dearest goods, and the stations that hear them."""

    share_of_dearest: float
    beacon_s: int
    heard_near: float
    heard_far: float
    near_m: float
    far_m: float
    behind_metal: float
    metal_share: float
    correlation: float
    death_a_year: float


class Gnss(Table, frozen=True, kw_only=True):
    """Satellite receivers in the yard."""

    sigma_m: float
    jump_share: float
    jump_m_min: float
    jump_m_max: float
    every_s: int


class People(Table, frozen=True, kw_only=True):
    """Who works in the hall, one for each handheld, from when to when."""

    late_share: float
    early_shift_h: tuple[float, float]
    late_shift_h: tuple[float, float]
    walk_mps: float
    scan_s: float


class Climate(Table, frozen=True, kw_only=True):
    """The air in the hall, and the sensors of it."""

    mean_mc: int
    swing_mc: int
    weather_sd_mc: int
    gradient_mc_m: int
    humidity_permille: int
    sensor_sd_mc: int
    sensor_missed: float


class Position(Table, frozen=True, kw_only=True):
    """A forklift's tag, which knows no height, and the sensor of its mast, which knows that of the fork.

    The world that figures are published of names no such sensor: it is assumed, so that the level of a rack
    is told at all, and now and then it tells nothing, which is the floor.
    """

    sigma_m: float
    outlier_share: float
    outlier_m_min: float
    outlier_m_max: float
    lift_sigma_m: float
    lift_lost_share: float


class Scale(Table, frozen=True, kw_only=True):
    floor_interval_g: int
    bridge_interval_g: int
    in_service_intervals: float
    drifting_share: float
    drift_intervals: float
    drift_days: float


class Camera(Table, frozen=True, kw_only=True):
    wrong_clear: float
    wrong_clutter: float
    clutter_share: float
    never_visible_share: float
    dark_a_day: float
    dark_h: float


class Gate(Table, frozen=True, kw_only=True):
    loop_seen: float
    plate_right: float


class Parameters(Table, frozen=True, kw_only=True):
    """All of a warehouse."""

    site: Site
    flow: Flow
    devices: Devices
    reader: Reader
    active: Active
    gnss: Gnss
    people: People
    climate: Climate
    position: Position
    scale: Scale
    camera: Camera
    gate: Gate
    clock: Clock
    network: Network


def read_parameters(text: str, changes: Mapping[str, Mapping[str, Any]] | None = None) -> Parameters:
    """Parameters from a file's text, with the tables of `changes` laid over it, key by key.

    Raises msgspec.ValidationError naming the path of what is wrong, or tomllib.TOMLDecodeError.
    """
    tables = tomllib.loads(text)
    for name, values in (changes or {}).items():
        tables[name] = {**tables.get(name, {}), **values}
    return msgspec.convert(tables, Parameters)
