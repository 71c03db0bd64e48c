"""The warehouse at one moment, and what its devices noticed on the way there. Pure.

Pallets are columns of arrays, by number; arrays of a state are never written to, a step makes new ones.
Times are seconds of the world since its midnight, lengths metres, masses grams.
"""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulators.world.warehouse.acts import Act, Deed
from simulators.world.warehouse.parameters import Parameters

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

GONE, EXPECTED, STAGED, ON_PAPER, ELSEWHERE = -1, -2, -3, -4, -5
ON_FORKLIFT, ON_TRUCK = -100, -10_000
"""A pallet's `place` is a place number, or one of these; forklift f is `ON_FORKLIFT - f`, trucks likewise.
A pallet `ON_PAPER` never existed; one `ELSEWHERE` was driven to the owner's other site."""


class Pallets(msgspec.Struct, frozen=True, eq=False):
    """Every pallet that ever was, by number."""

    serial: NDArray[np.int64]
    lot: Ints
    owner: Ints
    mass_g: NDArray[np.int64]
    """What it really weighs."""
    stated_g: NDArray[np.int64]
    """What its papers say."""
    material: Ints
    placement: Ints
    portal_factor: Floats
    """At best this often is its tag heard in a portal, whatever the goods."""
    never_read: NDArray[np.bool_]
    is_dead: NDArray[np.bool_]
    luck: NDArray[np.float32]
    """Logits, by pallet and by reader: forklifts', portals' and overhead ones, stations, then the sweep."""
    is_active: NDArray[np.bool_]
    """Has a tag with a battery too; False again when that is dead."""
    place: Ints
    moved_s: Floats
    tag: Ints
    """Whose tag it carries: its own number, unless somebody cloned another's."""
    worth_permille: Ints
    """What is in it is worth so much of what its papers say."""

    @property
    def count(self) -> int:
        return len(self.serial)


def readers_of(parameters: Parameters) -> int:
    """How many readers a tag has lasting luck with."""
    devices = parameters.devices
    return devices.forklifts + devices.portals + devices.overhead_readers + devices.stations + 1


class Event(msgspec.Struct, frozen=True, order=True):
    """Something due. Ordered by time, then by the order in which it was put on the agenda."""

    at_s: float
    number: int
    kind: str
    who: int = 0
    """Forklift, truck, camera, aisle or act, as the kind says."""
    pallet: int = -1
    place: int = -1
    column_from: int = 0
    column_to: int = 0
    from_s: float = 0.0


class Job(msgspec.Struct, frozen=True):
    """Carry one pallet: from a truck into the hall, out to a truck, or to another place."""

    kind: Literal["in", "out", "move"]
    pallet: int
    truck: int
    place: int
    ready_s: float


class Leg(msgspec.Struct, frozen=True):
    """A forklift's way point: there at that moment."""

    at_s: float
    x_m: float
    y_m: float


class Fixes(msgspec.Struct, frozen=True, eq=False):
    """What a forklift's tag took its places for, one a second; `load` is the pallet whose tag the reader on
    the fork heard meanwhile, or -1."""

    at_s: Floats
    x_m: Floats
    y_m: Floats
    load: Ints


class Forklift(msgspec.Struct, frozen=True):
    """Where it goes until it is free again, and what its own reader heard of what it carries: -1 nothing."""

    legs: tuple[Leg, ...]
    heard: int = -1
    is_busy: bool = False
    fixed_s: float = 0.0
    """Its fixes are taken through that moment."""
    recent: Fixes | None = None
    """The last of them."""


class Truck(msgspec.Struct, frozen=True):
    """A truck's visit. `brings` and `takes` are pallets; `released` is what its papers let go."""

    number: int
    plate: str
    gate: int
    tare_g: int
    brings: tuple[int, ...] = ()
    takes: tuple[int, ...] = ()
    released: tuple[int, ...] = ()
    hidden_g: int = 0
    """Aboard without papers or tags."""
    dock: int = -1
    left_to_do: int = 0
    is_ordered: bool = True
    """Without an order it keeps away from the bridge, and is loaded at night."""
    tracker: int = -1
    """The satellite receiver that it was lent at the gate."""
    legs: tuple[Leg, ...] = ()
    """Its way over the yard so far, and where it stands or goes."""


class Person(msgspec.Struct, frozen=True):
    """Where somebody with a handheld is, or will be when free again; works in the hours of a shift."""

    x_m: float
    y_m: float
    free_s: float
    from_h: float
    until_h: float


class Drift(msgspec.Struct, frozen=True):
    """An instrument whose zero wanders by so much a day, up to a bound on either side."""

    from_g: float
    a_day_g: float
    bound_g: float

    def at_g(self, time_s: float) -> float:
        return max(-self.bound_g, min(self.bound_g, self.from_g + self.a_day_g * time_s / 86_400))


# --- what devices and people noticed -------------------------------------------------------------


class TagsRead(msgspec.Struct, frozen=True, eq=False):
    """A reader heard tags: by pallet number, each at its time. `reader` is the device's name."""

    reader: str
    at_s: Floats
    pallets: Ints
    antenna: Ints
    rssi_cdbm: Ints


class PortalRead(msgspec.Struct, frozen=True, eq=False):
    """What a portal's antennas heard, in the order of time, while a pallet crossed: perhaps nothing of it."""

    portal: int
    pallet: int
    direction: Literal["in", "out"]
    crossed_s: float
    at_s: Floats
    pallets: Ints
    antenna: Ints
    rssi_cdbm: Ints


class Moved(msgspec.Struct, frozen=True, eq=False):
    """A forklift's positions, one a second, as its tag tells them; speed and heading are from each to the
    next. `load` is the pallet whose tag the reader on the fork heard, or -1."""

    forklift: int
    at_s: Floats
    x_m: Floats
    y_m: Floats
    heading_deg: Floats
    speed_mps: Floats
    load: Ints


class Tracked(msgspec.Struct, frozen=True, eq=False):
    """Where a receiver that a truck was lent takes itself to be."""

    tracker: int
    at_s: Floats
    x_m: Floats
    y_m: Floats


class Felt(msgspec.Struct, frozen=True):
    """A sensor of the air in the hall."""

    sensor: int
    at_s: float
    temperature_mc: int
    humidity_permille: int


class LoadChanged(msgspec.Struct, frozen=True):
    """A fork lifted a pallet or set it down; the point is the fork's as it believes itself to be. `pallet` is
    -1 when the reader on the fork did not hear which."""

    forklift: int
    at_s: float
    action: Literal["picked_up", "set_down"]
    pallet: int
    x_m: float
    y_m: float
    z_m: float


class Weighed(msgspec.Struct, frozen=True):
    """A scale came to rest. `truck` is the one on the weighbridge, -1 on a floor scale."""

    scale: str
    at_s: float
    mass_g: int
    truck: int = -1
    pallet: int = -1


class Scanned(msgspec.Struct, frozen=True):
    """A person confirmed a pallet at a place with a handheld."""

    handheld: int
    at_s: float
    pallet: int
    place: int


class Framed(msgspec.Struct, frozen=True, eq=False):
    """A camera's frame: places it takes for occupied and for empty, nothing where it is dark. `picture` is a
    number for its pixels, noise and all: no two pictures share one, but a picture that is shown again has
    its own."""

    camera: int
    at_s: float
    occupied: Ints
    empty: Ints
    picture: int
    is_dark: bool = False


class Passed(msgspec.Struct, frozen=True):
    """A vehicle passed a gate: barrier up, loop, plate as the camera read it ("" unread)."""

    gate: int
    at_s: float
    truck: int
    direction: Literal["in", "out"]
    plate: str
    loop_seen: bool
    barrier_opened: bool = True


class ClockSet(msgspec.Struct, frozen=True):
    """Somebody set a device's clock forward or back."""

    at_s: float
    device: str
    by_s: float


class Entered(msgspec.Struct, frozen=True):
    """A paper that people enter beside the stock's: `what` as the act says, about pallets of a lot."""

    at_s: float
    what: str
    lot: int
    party: str
    pallets: tuple[int, ...]


class Announced(msgspec.Struct, frozen=True):
    """Papers: what a truck is to bring (`in`), or may take away (`out`)."""

    at_s: float
    truck: int
    plate: str
    direction: Literal["in", "out"]
    pallets: tuple[int, ...]


Seen = (
    TagsRead
    | PortalRead
    | Moved
    | Tracked
    | Felt
    | LoadChanged
    | Weighed
    | Scanned
    | Framed
    | Passed
    | Announced
    | ClockSet
    | Entered
)


class Spoof(msgspec.Struct, frozen=True):
    """A forklift tells a wrong position, from when to when: off by (x, y), or always (x, y)."""

    from_s: float
    until_s: float
    how: Literal["jump", "stay"]
    x_m: float
    y_m: float


class Warehouse(msgspec.Struct, frozen=True, eq=False):
    """Everything at one moment. `pallet_at` is the pallet at each place or -1; `shown` what a camera takes a
    place for (1 occupied, 0 empty, -1 never visible), which stays wrong until the scene changes."""

    parameters: Parameters
    time_s: float
    pallets: Pallets
    pallet_at: Ints
    shown: Ints
    clutter: NDArray[np.bool_]
    forklifts: tuple[Forklift, ...]
    trucks: dict[int, Truck]
    docks: tuple[int, ...]
    """The truck at each dock, -1 for none."""
    waiting: tuple[int, ...]
    jobs: tuple[Job, ...]
    agenda: tuple[Event, ...]
    reserved: frozenset[int]
    """Places promised to a pallet on its way, and pallets promised to a truck as `-1 - pallet`."""
    next_number: int
    next_truck: int
    blind: dict[str, tuple[tuple[float, float, str], ...]] = {}
    """Devices that see nothing true, from when to when and how."""
    film: dict[int, tuple[Framed, ...]] = {}
    """By camera its last frames: what somebody who blinds it has to show."""
    people: tuple[Person, ...] = ()
    """By the number of the handheld."""
    weather_mc: float = 0.0
    """How much warmer this day is than others."""
    wandering: dict[str, Drift] = {}
    """Honest scales that drift."""
    drift: dict[str, float] = {}
    """Scales that were tampered with or broke: share of what they show too much."""
    spoofs: dict[int, Spoof] = {}
    """Forklifts whose positions are not their own."""
    acts: tuple[Act, ...] = ()
    """What people of this scenario will do, and what fails."""
    deeds: tuple[Deed, ...] = ()
    """What of it was done: the truth that reports compare with."""
    seen: tuple[Seen, ...] = ()
