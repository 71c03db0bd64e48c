"""What is really there: pallets, vehicles, people and the lane. Frozen structs; a step makes new ones.

Points are metres in the site's frame, masses grams, times seconds of the world's own clock.
"""

from typing import Literal

import msgspec

from kernel.geometry import Point

LANE_HALF_WIDTH_M = 3.0
Phase = Literal["to_pick", "picking", "to_place", "placing"]


class Pallet(msgspec.Struct, frozen=True, kw_only=True):
    """`place` is `slot:<id>`, `dock`, `on:<mover id>` or `gone`; `luck` is its tag's lasting read quality."""

    sscc: str
    epc_hex: str
    mass_g: int
    place: str
    luck: float = 1.0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Carry one pallet: pick it at `pick_at` (fork height `pick_z_m`), put it down at `place_at`.

    `place` is the pallet's place afterwards. `place_point` is where the pallet itself then stands.
    """

    sscc: str
    pick_at: Point
    pick_z_m: float
    place_at: Point
    place_point: Point
    place: str


class Mover(msgspec.Struct, frozen=True, kw_only=True):
    """A forklift, a person or a truck. `path` holds the points still ahead."""

    mover_id: str
    kind: Literal["forklift", "person", "truck"]
    point: Point
    heading_deg: float = 0.0
    speed_mps: float
    moving: bool = False
    path: tuple[Point, ...] = ()
    job: Job | None = None
    phase: Phase | None = None
    wait_s: float = 0.0
    load: str | None = None
    epc_hex: str = ""
    tare_g: int = 0
    dock_s: float = 0.0
    """Trucks: so long they stay at a dock at the least, in seconds of the devices' clocks."""
    home: Point | None = None
    """Forklifts: where it stands while there is nothing to carry."""
    stop: str = "road"
    """Trucks: the stop it stands at or drives to (road, bridge_in, dock, bridge_out, barrier_out)."""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """The gate lane along x: barrier, fields of the two antennas, weighbridge; x ranges in metres."""

    y_m: float
    barrier_x_m: float
    outer_field_m: tuple[float, float]
    inner_field_m: tuple[float, float]
    bridge_m: tuple[float, float]
    loop_m: tuple[float, float]

    def holds(self, point: Point) -> bool:
        """True where the gate's devices notice a vehicle."""
        is_beside = abs(point.y_m - self.y_m) < LANE_HALF_WIDTH_M
        return is_beside and self.outer_field_m[0] <= point.x_m <= self.inner_field_m[1]


class TagHeard(msgspec.Struct, frozen=True, kw_only=True):
    """An antenna of the gate's portal heard a tag."""

    epc_hex: str
    antenna: int
    rssi_cdbm: int


class LoadChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A forklift's load switch changed. `point` is the fork as the forklift itself believes it to be."""

    mover_id: str
    action: Literal["picked_up", "set_down"]
    sscc: str
    epc_hex: str
    point: Point


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """A positioning tag's own report; noise included."""

    mover_id: str
    point: Point
    heading_deg: float
    speed_mps: float
    load_epc_hex: str | None


Happening = TagHeard | LoadChanged | Reported


class Sensing(msgspec.Struct, frozen=True, kw_only=True):
    """How well the devices see; read from the scenario's file, never by the product.

    Rates per read attempt and sigmas in metres; sources in the scenario file.
    """

    portal_read_per_crossing: float
    portal_read_per_attempt: float
    badly_placed_share: float
    badly_placed_read: float
    stray_share: float
    position_sigma_m: float
    position_outlier_share: float
    position_outlier_m: float
    attempt_every_s: float = 0.25
    report_every_s: float = 0.5


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment, and what the devices noticed during the last step."""

    time_s: float
    pace: float = 1.0
    """Seconds of the world in one second of the devices' clocks. What a gate tells depends on how long a
    truck takes past its antennas: there trucks drive and readers hear by the devices' clocks at any pace."""
    lane: Lane
    sensing: Sensing
    movers: dict[str, Mover]
    pallets: dict[str, Pallet]
    barrier_open: bool = False
    happenings: tuple[Happening, ...] = ()
    jobs: tuple[Job, ...] = ()
    """Carrying work that no forklift has taken yet, oldest first."""
    strays: tuple[str, ...] = ()
    """Tags parked near the portal that the inner antenna hears during the crossing under way."""
    unreadable: frozenset[tuple[str, int]] = frozenset()
    """Tags that an antenna will not hear at all during the crossing under way."""
