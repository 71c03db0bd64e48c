"""What devices make of the truth: tags heard in a portal, positions with noise. Pure, given an Rng."""

import statistics

from kernel.geometry import Point
from kernel.rng import Rng
from simulators.world.state import LANE_HALF_WIDTH_M, Mover, Pallet, Reported, Sensing, TagHeard, World

OUTER, INNER = 1, 2
MEDIAN_OF = 5
"""A forklift that stands still reports the median of this many positions with its load change."""


def heard_tags(world: World, rng: Rng) -> list[TagHeard]:
    """One attempt of both antennas: every readable tag on a truck in a field is heard with the given rate."""
    heard = []
    for antenna, field in ((OUTER, world.lane.outer_field_m), (INNER, world.lane.inner_field_m)):
        for truck in trucks_within(world, field):
            tags = [(truck.epc_hex, 1.0)] + [(p.epc_hex, p.luck) for p in pallets_on(world, truck.mover_id)]
            for epc_hex, luck in tags:
                readable = (epc_hex, antenna) not in world.unreadable
                if readable and rng.chance(world.sensing.portal_read_per_attempt * luck):
                    heard.append(_heard(epc_hex, antenna, rng))
            if antenna == INNER:
                heard += [_heard(epc_hex, antenna, rng) for epc_hex in world.strays]
    return heard


def _heard(epc_hex: str, antenna: int, rng: Rng) -> TagHeard:
    rssi_cdbm = min(-3000, max(-7900, round(rng.normal(-5400, 400))))
    return TagHeard(epc_hex=epc_hex, antenna=antenna, rssi_cdbm=rssi_cdbm)


def draw_unreadable(world: World, truck: Mover, rng: Rng) -> frozenset[tuple[str, int]]:
    """Which pallet tags each antenna will miss altogether during one passage of this truck."""
    missed = {
        (pallet.epc_hex, antenna)
        for pallet in pallets_on(world, truck.mover_id)
        for antenna in (OUTER, INNER)
        if not rng.chance(world.sensing.portal_read_per_crossing * pallet.luck)
    }
    return frozenset(missed)


def trucks_within(world: World, x_range_m: tuple[float, float]) -> list[Mover]:
    """Trucks in the lane whose reference point lies in the given x range."""
    low, high = x_range_m
    return [
        mover
        for mover in world.movers.values()
        if mover.kind == "truck"
        and low <= mover.point.x_m <= high
        and abs(mover.point.y_m - world.lane.y_m) < LANE_HALF_WIDTH_M
    ]


def pallets_on(world: World, mover_id: str) -> list[Pallet]:
    return [pallet for pallet in world.pallets.values() if pallet.place == f"on:{mover_id}"]


def bridge_mass_g(world: World) -> int:
    """The true load on the weighbridge."""
    return sum(
        truck.tare_g + sum(pallet.mass_g for pallet in pallets_on(world, truck.mover_id))
        for truck in trucks_within(world, world.lane.bridge_m)
    )


def loop_occupied(world: World) -> bool:
    """True while a truck stands over the barrier's loop."""
    return bool(trucks_within(world, world.lane.loop_m))


def noisy(point: Point, sensing: Sensing, rng: Rng) -> Point:
    """A position as the tag reports it: normal noise an axis, now and then far off without line of sight."""
    far = rng.chance(sensing.position_outlier_share)
    sigma = sensing.position_outlier_m if far else sensing.position_sigma_m
    return Point(point.x_m + rng.normal(0, sigma), point.y_m + rng.normal(0, sigma), point.z_m)


def steady(point: Point, sensing: Sensing, rng: Rng) -> Point:
    """The median of several reports of something that stands still."""
    seen = [noisy(point, sensing, rng) for _ in range(MEDIAN_OF)]
    return Point(statistics.median(p.x_m for p in seen), statistics.median(p.y_m for p in seen), point.z_m)


def report(mover: Mover, world: World, rng: Rng) -> Reported:
    """The position report of one tag."""
    return Reported(
        mover_id=mover.mover_id,
        point=noisy(mover.point, world.sensing, rng),
        heading_deg=mover.heading_deg,
        speed_mps=mover.speed_mps if mover.moving else 0.0,
        load_epc_hex=world.pallets[mover.load].epc_hex if mover.load else None,
    )
