"""A warehouse at midnight of its first day: stock in its places, forklifts parked, the agenda begun. Pure."""

import heapq

import numpy as np

from kernel.rng import Rng
from simulators.world.warehouse.acts import HOUR_S, Act
from simulators.world.warehouse.parameters import Parameters
from simulators.world.warehouse.places import DOCK_Y_M, places_of
from simulators.world.warehouse.state import (
    Drift,
    Event,
    Forklift,
    Leg,
    Pallets,
    Person,
    Warehouse,
    readers_of,
)

DAY_S = 86_400.0


def build_warehouse(parameters: Parameters, rng: Rng, acts: tuple[Act, ...] = ()) -> Warehouse:
    """The warehouse of a seed. The same seed gives the same pallets in the same places, whatever the acts."""
    places = places_of(parameters)
    draw = rng.child("build").numpy
    count = round(places.count * parameters.site.filled_share)
    pallets = draw_pallets(parameters, 0, count, rng.child("stock"))
    chosen = np.sort(draw.permutation(places.count)[:count]).astype(np.int32)
    pallet_at = np.full(places.count, -1, dtype=np.int32)
    pallet_at[chosen] = np.arange(count, dtype=np.int32)
    pallets.place[:] = chosen
    shown = np.where(pallet_at >= 0, 1, 0).astype(np.int32)
    camera = parameters.camera
    clutter = draw.random(places.count) < camera.clutter_share
    wrong = draw.random(places.count) < np.where(clutter, camera.wrong_clutter, camera.wrong_clear)
    shown = np.where(wrong, 1 - shown, shown)
    shown[draw.random(places.count) < camera.never_visible_share] = -1
    rounds = "frame", "round", "beacon", "climate"
    first = [Event(0.0, 0, "day"), *(Event(60.0, 1 + n, kind) for n, kind in enumerate(rounds))]
    first += [Event(act.at_h * HOUR_S, len(first) + n, "act", who=n) for n, act in enumerate(acts)]
    heapq.heapify(first)
    return Warehouse(
        parameters=parameters,
        time_s=0.0,
        pallets=pallets,
        pallet_at=pallet_at,
        shown=shown.astype(np.int32),
        clutter=clutter,
        forklifts=tuple(parked(number, parameters, 0.0) for number in range(parameters.devices.forklifts)),
        trucks={},
        docks=(-1,) * parameters.devices.portals,
        waiting=(),
        jobs=(),
        agenda=tuple(first),
        reserved=frozenset(),
        next_number=len(first),
        next_truck=1,
        acts=acts,
        people=_people(parameters, rng.child("people").numpy),
        wandering=_wandering(parameters, rng.child("scales").numpy),
    )


def _people(parameters: Parameters, draw: np.random.Generator) -> tuple[Person, ...]:
    """Everybody waits at the docks until a shift begins."""
    shifts, width_m = parameters.people, parameters.site.width_m
    late = round(parameters.devices.handhelds * shifts.late_share)
    hours = [
        shifts.late_shift_h if n < late else shifts.early_shift_h for n in range(parameters.devices.handhelds)
    ]
    return tuple(
        Person(float(draw.uniform(0, width_m)), DOCK_Y_M + 1.0, 0.0, from_h, until_h)
        for from_h, until_h in hours
    )


def _wandering(parameters: Parameters, draw: np.random.Generator) -> dict[str, Drift]:
    """Of every ten instruments one drifts; nobody knows since when."""
    scale, devices = parameters.scale, parameters.devices
    intervals_g = {f"scale-{n + 1}": scale.floor_interval_g for n in range(devices.floor_scales)}
    found = {}
    for name, interval_g in {**intervals_g, "weighbridge-1": scale.bridge_interval_g}.items():
        does, since, way = draw.random() < scale.drifting_share, draw.random(), draw.choice((-1, 1))
        if does:
            bound_g = scale.drift_intervals * interval_g
            a_day_g = way * bound_g / scale.drift_days
            found[name] = Drift(from_g=since * way * bound_g, a_day_g=a_day_g, bound_g=bound_g)
    return found


def parked(number: int, parameters: Parameters, at_s: float) -> Forklift:
    """A forklift at its own charging place beside the docks."""
    spacing_m = parameters.site.width_m / (parameters.devices.forklifts + 1)
    return Forklift(legs=(Leg(at_s, spacing_m * (number + 1), DOCK_Y_M + 1.0),))


def draw_pallets(parameters: Parameters, first_serial: int, count: int, rng: Rng) -> Pallets:
    """`count` new pallets, not yet anywhere. Lots belong to owners in turn; a lot is of one material."""
    site, reader = parameters.site, parameters.reader
    draw = rng.numpy
    lot = draw.integers(0, site.lots, count).astype(np.int32)
    of_lot = Rng(0).child("materials").numpy.choice(3, size=site.lots, p=site.material_shares)
    mass = draw.integers(site.mass_g_min // 500, site.mass_g_max // 500 + 1, count) * 500
    badly = draw.random(count) < reader.badly_placed_share
    dearest = of_lot[lot] == int(np.argmax(site.price_fen_a_kg))
    return Pallets(
        serial=np.arange(first_serial, first_serial + count, dtype=np.int64),
        lot=lot,
        owner=(lot % site.owners).astype(np.int32),
        mass_g=mass.astype(np.int64),
        stated_g=mass.astype(np.int64),
        material=of_lot[lot].astype(np.int32),
        placement=draw.choice(3, size=count, p=reader.placement_shares).astype(np.int32),
        portal_factor=np.where(badly, reader.badly_placed_read, 1.0),
        never_read=draw.random(count) < reader.never_read_share,
        is_dead=np.zeros(count, dtype=np.bool_),
        luck=draw.normal(0.0, reader.tag_reader_sd, (count, readers_of(parameters))).astype(np.float32),
        is_active=dearest & (draw.random(count) < parameters.active.share_of_dearest),
        place=np.full(count, -2, dtype=np.int32),
        moved_s=np.zeros(count),
        tag=np.arange(first_serial, first_serial + count, dtype=np.int32),
        worth_permille=np.full(count, 1_000, dtype=np.int32),
    )


def join(old: Pallets, new: Pallets) -> Pallets:
    """The pallets of both, the new ones numbered on."""
    columns = {
        name: np.concatenate([getattr(old, name), getattr(new, name)]) for name in Pallets.__struct_fields__
    }
    return Pallets(**columns)
