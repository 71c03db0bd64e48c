"""One step of the world: `step(world, dt_s, rng) -> world`. Same world, dt and stream: same next world."""

import msgspec

from kernel.geometry import Point
from kernel.rng import Rng
from simulators.world.motion import advance, heading
from simulators.world.sensing import heard_tags, report, steady
from simulators.world.state import Happening, Job, LoadChanged, Mover, World

HANDLING_S = 2.0
"""Seconds a forklift needs to lift or lower a pallet."""
BARRIER_STOP_M = 2.5
"""A truck halts this far before a barrier that is shut."""


def step(world: World, dt_s: float, rng: Rng) -> World:
    """Move everything by `dt_s` seconds and let the devices notice."""
    world = msgspec.structs.replace(world, time_s=world.time_s + dt_s, happenings=())
    for mover in list(world.movers.values()):
        world = _step_mover(world, mover, dt_s, rng)
    return _notice(world, dt_s, rng)


def _step_mover(world: World, mover: Mover, dt_s: float, rng: Rng) -> World:
    if mover.wait_s > 0:
        return put(world, msgspec.structs.replace(mover, wait_s=max(0.0, mover.wait_s - dt_s), moving=False))
    if mover.path and not _is_wanted(world, mover):
        return put(world, _drive(world, mover, dt_s))
    if mover.kind == "forklift":
        return _work(world, msgspec.structs.replace(mover, moving=False), rng)
    if mover.kind == "person":
        return put(world, _wander(mover, rng))
    return put(world, msgspec.structs.replace(mover, moving=False))


def _drive(world: World, mover: Mover, dt_s: float) -> Mover:
    is_at_gate = mover.kind == "truck" and world.lane.holds(mover.point)
    length_m = mover.speed_mps * dt_s / (world.pace if is_at_gate else 1.0)
    point, path = advance(mover.point, mover.path, length_m)
    if mover.kind == "truck" and not world.barrier_open and _crosses(world, mover.point, point):
        return msgspec.structs.replace(mover, moving=False)
    has_docked = mover.stop == "dock" and not path
    return msgspec.structs.replace(
        mover,
        point=point,
        path=path,
        heading_deg=heading(mover.point, point, mover.heading_deg),
        moving=True,
        wait_s=mover.dock_s * world.pace if has_docked else 0.0,
    )


def _crosses(world: World, before: Point, after: Point) -> bool:
    """True when the move would come closer to a shut barrier than a driver goes."""
    barrier = world.lane.barrier_x_m
    if before.x_m <= barrier - BARRIER_STOP_M < after.x_m:
        return True
    return after.x_m < barrier + BARRIER_STOP_M <= before.x_m


def _wander(person: Mover, rng: Rng) -> Mover:
    """People walk along the staging strip and pause."""
    target = Point(rng.uniform(24.0, 96.0), rng.uniform(31.0, 35.0))
    return msgspec.structs.replace(person, path=(target,), wait_s=rng.uniform(1.0, 6.0), moving=False)


def _work(world: World, forklift: Mover, rng: Rng) -> World:
    """The forklift has arrived (or has nothing to do): the next phase of its job."""
    job = forklift.job
    if job is None:
        return _take_job(world, forklift)
    if forklift.phase == "to_pick":
        return put(world, msgspec.structs.replace(forklift, phase="picking", wait_s=HANDLING_S))
    if forklift.phase == "picking":
        return _pick(world, forklift, job, rng)
    if forklift.phase == "to_place":
        return put(world, msgspec.structs.replace(forklift, phase="placing", wait_s=HANDLING_S))
    return _place(world, forklift, job, rng)


def _is_wanted(world: World, mover: Mover) -> bool:
    """True for a forklift that is on its way home while there is something to carry."""
    return mover.kind == "forklift" and mover.job is None and bool(world.jobs)


def _take_job(world: World, forklift: Mover) -> World:
    """The oldest work there is; with none it drives home, so that no two stand in one place."""
    if not world.jobs:
        path = () if forklift.home in (None, forklift.point) else route(forklift.point, forklift.home)
        return put(world, msgspec.structs.replace(forklift, path=path))
    job, rest = world.jobs[0], world.jobs[1:]
    path = route(forklift.point, job.pick_at)
    taken = msgspec.structs.replace(forklift, job=job, phase="to_pick", path=path)
    return msgspec.structs.replace(put(world, taken), jobs=rest)


def _pick(world: World, forklift: Mover, job: Job, rng: Rng) -> World:
    fork = Point(job.pick_at.x_m, job.pick_at.y_m, job.pick_z_m)
    world = _carry(world, job, f"on:{forklift.mover_id}")
    world = _changed(world, forklift, "picked_up", job, steady(fork, world.sensing, rng))
    path = route(forklift.point, job.place_at)
    return put(world, msgspec.structs.replace(forklift, phase="to_place", path=path, load=job.sscc))


def _place(world: World, forklift: Mover, job: Job, rng: Rng) -> World:
    world = _carry(world, job, job.place)
    world = _changed(world, forklift, "set_down", job, steady(job.place_point, world.sensing, rng))
    return put(world, msgspec.structs.replace(forklift, job=None, phase=None, load=None))


def _carry(world: World, job: Job, place: str) -> World:
    pallet = msgspec.structs.replace(world.pallets[job.sscc], place=place)
    return msgspec.structs.replace(world, pallets={**world.pallets, job.sscc: pallet})


def _changed(world: World, forklift: Mover, action: str, job: Job, point: Point) -> World:
    assert action in {"picked_up", "set_down"}
    changed = LoadChanged(
        mover_id=forklift.mover_id,
        action="picked_up" if action == "picked_up" else "set_down",
        sscc=job.sscc,
        epc_hex=world.pallets[job.sscc].epc_hex,
        point=point,
    )
    return msgspec.structs.replace(world, happenings=(*world.happenings, changed))


def _notice(world: World, dt_s: float, rng: Rng) -> World:
    seen: list[Happening] = list(world.happenings)
    if _due(world.time_s, dt_s, world.sensing.attempt_every_s * world.pace):
        seen += heard_tags(world, rng)
    if _due(world.time_s, dt_s, world.sensing.report_every_s):
        seen += [report(mover, world, rng) for mover in world.movers.values() if mover.kind != "truck"]
    return msgspec.structs.replace(world, happenings=tuple(seen))


def _due(time_s: float, dt_s: float, every_s: float) -> bool:
    """True in the one step of each period that passes its end."""
    return int(time_s / every_s) != int((time_s - dt_s) / every_s)


def put(world: World, mover: Mover) -> World:
    """The world with this mover as it is now."""
    return msgspec.structs.replace(world, movers={**world.movers, mover.mover_id: mover})


CORRIDOR_Y_M = 33.0


def route(start: Point, end: Point) -> tuple[Point, ...]:
    """A way over the floor: out of the aisle to the corridor, along it, into the other aisle."""
    return (Point(start.x_m, CORRIDOR_Y_M), Point(end.x_m, CORRIDOR_Y_M), Point(end.x_m, end.y_m))
