"""What people in the world decide: build the site, send a truck, give carrying work. Pure."""

import tomllib
from collections.abc import Sequence
from typing import Any

import msgspec

from kernel.geometry import Point, Transform
from kernel.gs1 import epc_from_giai, epc_from_sscc, make_sscc
from kernel.layout import Layout, Rack, Slot
from kernel.rng import Rng
from simulators.world.sensing import draw_unreadable, pallets_on
from simulators.world.state import Job, Lane, Mover, Pallet, Sensing, World
from simulators.world.step import CORRIDOR_Y_M, put

COMPANY_PREFIX = "6901234"
AISLE_STAND_M = 1.6
"""A forklift stands this far before a rack's face."""
DOCK_BAYS_X_M = (44.0, 56.0, 68.0, 80.0)
TRUCK_AT_DOCK_Y_M = 20.0
FORK_AT_TRUCK_Y_M = 27.0
TRUCK_BED_Z_M = 1.2
STAGING_FLOOR_Y_M = 31.5


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """The scenario file as read: lane, sensing, and the ranges that pallets and trucks are drawn from."""

    lane: Lane
    sensing: Sensing
    truck: dict[str, Any]
    forklift: dict[str, Any]
    person: dict[str, Any]
    pallet: dict[str, Any]


def read_scenario(text: str) -> Scenario:
    """Parse a scenario (TOML); raises msgspec.ValidationError naming the path of what is wrong."""
    return msgspec.convert(tomllib.loads(text), Scenario)


def build_world(scenario: Scenario, stored: dict[str, Pallet], pace: float = 1.0) -> World:
    """A world with its forklifts and people at work and `stored` pallets in their slots, at time 0."""
    movers = {}
    for number in range(1, scenario.forklift["count"] + 1):
        start = Point(40.0 + 6.0 * number, CORRIDOR_Y_M)
        speed = scenario.forklift["speed_mps"]
        name = f"forklift-{number}"
        movers[name] = Mover(mover_id=name, kind="forklift", point=start, home=start, speed_mps=speed)
    for number in range(1, scenario.person["count"] + 1):
        start = Point(26.0 + 18.0 * number, CORRIDOR_Y_M - 1.0)
        name = f"person-{number}"
        movers[name] = Mover(
            mover_id=name, kind="person", point=start, speed_mps=scenario.person["speed_mps"]
        )
    return World(
        time_s=0.0,
        pace=pace,
        lane=scenario.lane,
        sensing=scenario.sensing,
        movers=movers,
        pallets=dict(stored),
    )


def make_pallet(scenario: Scenario, serial: int, place: str, rng: Rng) -> Pallet:
    """A pallet with a tag, drawn from the scenario's ranges; one tag in a hundred sits badly."""
    sscc = make_sscc(COMPANY_PREFIX, 3, serial)
    badly = rng.chance(scenario.sensing.badly_placed_share)
    return Pallet(
        sscc=sscc,
        epc_hex=epc_from_sscc(sscc, len(COMPANY_PREFIX)),
        mass_g=rng.integer(scenario.pallet["mass_g_min"] // 500, scenario.pallet["mass_g_max"] // 500) * 500,
        place=place,
        luck=scenario.sensing.badly_placed_read if badly else 1.0,
    )


def enter_truck(world: World, scenario: Scenario, truck_id: str, number: int, rng: Rng) -> World:
    """A truck appears on the road before the gate; load it by giving pallets the place `on:<truck_id>`."""
    tare_g = rng.integer(scenario.truck["tare_g_min"] // 1000, scenario.truck["tare_g_max"] // 1000) * 1000
    truck = Mover(
        mover_id=truck_id,
        kind="truck",
        point=Point(-24.0, world.lane.y_m),
        speed_mps=scenario.truck["speed_mps"],
        epc_hex=epc_from_giai(COMPANY_PREFIX, number),
        tare_g=tare_g,
        dock_s=scenario.truck["dock_s"],
    )
    return put(world, truck)


def drive_truck(world: World, truck_id: str, stop: str, bay: int, rng: Rng) -> World:
    """Send a truck to `bridge`, `dock` (its bay), `barrier` or `road`; unheard tags are drawn anew."""
    lane_y, truck = world.lane.y_m, world.movers[truck_id]
    ahead = Point(38.0, lane_y)
    bay_at = Point(DOCK_BAYS_X_M[bay], TRUCK_AT_DOCK_Y_M)
    in_lane = truck.point.y_m < lane_y + 1.0
    way_back = () if in_lane else (Point(truck.point.x_m, 15.0), ahead)
    middle = sum(world.lane.bridge_m) / 2
    stops: dict[str, tuple[Point, ...]] = {
        "bridge": (*way_back, Point(middle, lane_y)),
        "dock": (ahead, Point(bay_at.x_m, 15.0), bay_at),
        "barrier": (*way_back, Point(world.lane.barrier_x_m + 2.6, lane_y)),
        "road": (*way_back, Point(-24.0, lane_y)),
    }
    world = put(world, msgspec.structs.replace(truck, path=stops[stop], stop=stop))
    unreadable = draw_unreadable(world, truck, rng)
    kept = frozenset(item for item in world.unreadable if item[0] not in _tags_on(world, truck_id))
    return msgspec.structs.replace(world, unreadable=kept | unreadable, strays=_draw_strays(world, rng))


def _draw_strays(world: World, rng: Rng) -> tuple[str, ...]:
    """Now and then a pallet standing in the hall is heard though it did not cross."""
    parked = sorted(pallet.epc_hex for pallet in world.pallets.values() if pallet.place.startswith("slot:"))
    if not parked or not rng.chance(world.sensing.stray_share):
        return ()
    return (parked[rng.integer(0, len(parked) - 1)],)


def _tags_on(world: World, truck_id: str) -> frozenset[str]:
    return frozenset(pallet.epc_hex for pallet in pallets_on(world, truck_id))


def remove_truck(world: World, truck_id: str) -> World:
    """The truck is away on the road; what it carried is gone from the site."""
    movers = {name: mover for name, mover in world.movers.items() if name != truck_id}
    pallets = {
        sscc: msgspec.structs.replace(pallet, place="gone") if pallet.place == f"on:{truck_id}" else pallet
        for sscc, pallet in world.pallets.items()
    }
    return msgspec.structs.replace(world, movers=movers, pallets=pallets)


def add_pallets(world: World, pallets: Sequence[Pallet]) -> World:
    return msgspec.structs.replace(
        world, pallets={**world.pallets, **{pallet.sscc: pallet for pallet in pallets}}
    )


def store_job(sscc: str, layout: Layout, slot: Slot, bay: int, floor_place: int | None = None) -> Job:
    """Carry a pallet from the truck at dock bay `bay`, or from a place on the floor, into a slot."""
    at_truck = Point(DOCK_BAYS_X_M[bay], FORK_AT_TRUCK_Y_M)
    return Job(
        sscc=sscc,
        pick_at=at_truck if floor_place is None else _on_floor(bay, floor_place),
        pick_z_m=TRUCK_BED_Z_M if floor_place is None else 0.0,
        place_at=stand_before(layout, slot),
        place_point=slot.centre,
        place=f"slot:{slot.slot_id}",
    )


def unload_job(sscc: str, bay: int, floor_place: int) -> Job:
    """Carry a pallet from the truck at dock bay `bay` onto the floor of the staging strip."""
    spot = _on_floor(bay, floor_place)
    return Job(
        sscc=sscc,
        pick_at=Point(DOCK_BAYS_X_M[bay], FORK_AT_TRUCK_Y_M),
        pick_z_m=TRUCK_BED_Z_M,
        place_at=spot,
        place_point=spot,
        place=f"floor:{bay}-{floor_place}",
    )


def _on_floor(bay: int, floor_place: int) -> Point:
    return Point(DOCK_BAYS_X_M[bay] + 1.6 * floor_place, STAGING_FLOOR_Y_M)


def load_job(sscc: str, layout: Layout, slot: Slot, truck_id: str, bay: int) -> Job:
    """Carry a pallet from its slot onto the truck at dock bay `bay`."""
    at_truck = Point(DOCK_BAYS_X_M[bay], FORK_AT_TRUCK_Y_M)
    return Job(
        sscc=sscc,
        pick_at=stand_before(layout, slot),
        pick_z_m=slot.centre.z_m,
        place_at=at_truck,
        place_point=Point(at_truck.x_m, at_truck.y_m, TRUCK_BED_Z_M),
        place=f"on:{truck_id}",
    )


def give_jobs(world: World, jobs: Sequence[Job]) -> World:
    """Queue carrying work; forklifts take it oldest first."""
    return msgspec.structs.replace(world, jobs=(*world.jobs, *jobs))


def stand_before(layout: Layout, slot: Slot) -> Point:
    """Where a forklift stands to reach a slot: before the rack's face, on the floor of the aisle."""
    rack = next(rack for rack in layout.racks if rack.rack_id == slot.rack_id)
    return _site_from_rack(rack).apply(Point((slot.bay - 0.5) * rack.bay_width_mm / 1000, -AISLE_STAND_M))


def _site_from_rack(rack: Rack) -> Transform:
    return Transform(x_m=rack.x_mm / 1000, y_m=rack.y_mm / 1000, rotation_deg=float(rack.rotation_deg))
