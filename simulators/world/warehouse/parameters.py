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
    truck_tare_g_min: int
    truck_tare_g_max: int


class Devices(Table, frozen=True, kw_only=True):
    forklifts: int
    handhelds: int
    portals: int
    gates: int
    floor_scales: int
    cameras: int
    camera_every_s: int
    sweep_share: float
    sweep_begins_h: float


class Reader(Table, frozen=True, kw_only=True):
    """Rates of passive UHF tags; lists go by material or placement."""

    portal_read: tuple[float, float, float]
    badly_placed_share: float
    badly_placed_read: float
    portal_reads_a_crossing: int
    stray_share: float
    pass_read: float
    top_level_factor: float
    pass_correlation: float
    tag_reader_sd: float
    never_read_share: float
    sweep_read: tuple[float, float, float]
    placement_shares: tuple[float, float, float]
    sweep_correlation: float
    tag_death_a_year: float


class Position(Table, frozen=True, kw_only=True):
    sigma_m: float
    outlier_share: float
    outlier_m_min: float
    outlier_m_max: float


class Scale(Table, frozen=True, kw_only=True):
    floor_interval_g: int
    bridge_interval_g: int
    in_service_intervals: float


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
