"""One step of the warehouse: everything that falls due within it, in the order of time. Pure.

`step(world, dt_s, rng)` gives the same next world for the same world, time and stream; the stream of a step
is its own, so that a step can be made again without those before it.
"""

from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from kernel.rng import Rng
from simulators.world.warehouse import acting, fixes, people, seeing, standing, yard
from simulators.world.warehouse.build import DAY_S, draw_pallets, join
from simulators.world.warehouse.driving import CROSSING_S, Drive
from simulators.world.warehouse.places import DOCK_Y_M
from simulators.world.warehouse.standing import tags_read
from simulators.world.warehouse.state import (
    EXPECTED,
    GONE,
    ON_FORKLIFT,
    ON_TRUCK,
    Announced,
    Event,
    Job,
    Passed,
    PortalRead,
    Truck,
    Warehouse,
    Weighed,
)
from simulators.world.warehouse.working import Working

TO_BRIDGE_S, TO_DOCK_S, TO_GATE_S = 60.0, 120.0, 60.0
AGAIN_S = 40.0
"""Between two weighings of one truck."""
LOADING_BAY_S = 90.0
"""Papers and straps between the last pallet and driving off."""
STRAY_COLUMNS = 4
"""Places within six metres of a dock door."""
SWEEP_AISLE_S = 600.0


def step(world: Warehouse, dt_s: float, rng: Rng) -> Warehouse:
    """The world `dt_s` seconds later, with what was noticed meanwhile in `seen`."""
    until_s = world.time_s + dt_s
    working = Working(world, rng.child(f"step/{round(world.time_s * 1000)}").numpy)
    while (event := working.next_due(until_s)) is not None:
        HANDLERS[event.kind](working, event)
    for number in range(len(working.forklifts)):
        fixes.tell(working, number, until_s)
    yard.track(working, world.time_s, until_s)
    return msgspec.structs.replace(
        world,
        time_s=until_s,
        pallets=working.pallets,
        pallet_at=working.pallet_at,
        shown=working.shown,
        forklifts=tuple(working.forklifts),
        trucks=working.trucks,
        docks=tuple(working.docks),
        waiting=tuple(working.waiting),
        jobs=tuple(working.jobs),
        agenda=tuple(working.agenda),
        reserved=frozenset(working.reserved),
        next_number=working.next_number,
        next_truck=working.next_truck,
        blind=working.blind,
        film=working.film,
        people=tuple(working.people),
        weather_mc=working.weather_mc,
        drift=working.drift,
        spoofs=working.spoofs,
        deeds=tuple(working.deeds),
        seen=tuple(working.seen),
    )


# --- the day's plan ------------------------------------------------------------------------------


def _day(working: Working, event: Event) -> None:
    """At midnight: the trucks and the work of the day, and what fails during it."""
    flow, devices, draw = working.parameters.flow, working.parameters.devices, working.draw
    begins_s = event.at_s
    first_s, last_s = begins_s + flow.first_truck_h * 3600, begins_s + flow.last_truck_h * 3600
    bringing = flow.pallets_in // flow.pallets_a_truck
    taking = flow.pallets_out // flow.pallets_a_truck
    for at_s in np.sort(draw.uniform(first_s, last_s, bringing)):
        _expect(working, float(at_s), brings=flow.pallets_a_truck, announced_s=begins_s)
    for at_s in np.sort(draw.uniform(first_s, last_s, taking)):
        _expect(working, float(at_s), takes=flow.pallets_a_truck, announced_s=begins_s)
    for at_s in np.sort(draw.uniform(first_s, last_s, flow.relocations)):
        working.due(Event(float(at_s), 0, "move"))
    for camera in range(devices.cameras):
        if draw.random() < working.parameters.camera.dark_a_day:
            from_s = begins_s + draw.uniform(0, DAY_S)
            until_s = from_s + working.parameters.camera.dark_h * 3600
            working.make_blind(f"camera-{camera + 1}", from_s, until_s, "dark")
    dying = draw.random(working.pallets.count) < working.parameters.reader.tag_death_a_year / 365
    working.pallets.is_dead[dying] = True
    dark = draw.random(working.pallets.count) < working.parameters.active.death_a_year / 365
    working.pallets.is_active[dark] = False
    working.weather_mc = float(draw.normal(0, working.parameters.climate.weather_sd_mc))
    _plan_sweep(working, begins_s)
    working.due(Event(begins_s + flow.day_begins_h * 3600, 0, "free", who=-1))
    working.due(Event(begins_s + DAY_S, 0, "day"))


def _plan_sweep(working: Working, begins_s: float) -> None:
    aisles, devices = working.parameters.site.aisles, working.parameters.devices
    each_night = max(1, round(aisles * devices.sweep_share))
    day = round(begins_s / DAY_S)
    for turn in range(each_night):
        at_s = begins_s + devices.sweep_begins_h * 3600 + turn * SWEEP_AISLE_S
        working.due(Event(at_s, 0, "sweep", who=(day * each_night + turn) % aisles))


def _expect(working: Working, at_s: float, *, announced_s: float, brings: int = 0, takes: int = 0) -> None:
    """A truck will come: its papers are announced, its pallets drawn or promised."""
    number, flow, draw = working.next_truck, working.parameters.flow, working.draw
    working.next_truck += 1
    brought: tuple[int, ...] = ()
    if brings:
        first = working.pallets.count
        fresh = draw_pallets(working.parameters, first, brings, Rng(int(draw.integers(2**62))))
        working.pallets = join(working.pallets, fresh)
        brought = tuple(range(first, first + brings))
    taken = tuple(working.pick_stored(takes))
    truck = Truck(
        number=number,
        plate=f"赣G{number:05d}",
        gate=int(draw.integers(working.parameters.devices.gates)),
        tare_g=int(draw.integers(flow.truck_tare_g_min // 1000, flow.truck_tare_g_max // 1000)) * 1000,
        brings=brought,
        takes=taken,
        released=taken,
    )
    working.trucks[number] = truck
    if brings:
        working.notice(Announced(announced_s, number, truck.plate, "in", brought))
    else:
        working.notice(Announced(announced_s, number, truck.plate, "out", taken))
    working.due(Event(at_s, 0, "arrive", who=number))


# --- trucks --------------------------------------------------------------------------------------


def _arrive(working: Working, event: Event) -> None:
    truck = working.trucks[event.who]
    _pass_gate(working, truck, event.at_s, "in")
    yard.lend_tracker(working, event.who)
    yard.stand(working, event.who, event.at_s, yard.at_gate(working, event.who))
    if truck.is_ordered:
        _drive(working, event, TO_BRIDGE_S, yard.BRIDGE, "weigh_in")
    else:
        _drive(working, event, TO_DOCK_S, yard.waiting(event.who), "dock")


def _drive(working: Working, event: Event, lasts_s: float, spot: yard.Spot, then: str) -> None:
    """The truck of the event goes somewhere, and something falls due when it is there."""
    yard.drive(working, event.who, event.at_s, event.at_s + lasts_s, spot)
    working.due(Event(event.at_s + lasts_s, 0, then, who=event.who))


def _pass_gate(working: Working, truck: Truck, at_s: float, direction: str) -> None:
    """A gate whose barrier is down is passed all the same: the boom is moved by hand, and nothing tells."""
    gate, draw = working.parameters.gate, working.draw
    plate = truck.plate if draw.random() < gate.plate_right else seeing.misread(truck.plate, draw)
    sees, moves = (
        working.blindness(f"gate-{truck.gate + 1}-{part}", at_s) is None for part in ("camera", "barrier")
    )
    working.notice(
        Passed(
            gate=truck.gate,
            at_s=at_s,
            truck=truck.number,
            direction="in" if direction == "in" else "out",
            plate=plate if sees else "",
            loop_seen=bool(draw.random() < gate.loop_seen),
            barrier_opened=moves,
        )
    )


def _weigh_in(working: Working, event: Event) -> None:
    event = _weigh_truck(working, event)
    _drive(working, event, TO_DOCK_S, yard.waiting(event.who), "dock")


def _weigh_truck(working: Working, event: Event) -> Event:
    """Weigh a truck on the bridge, now and then twice; the event as it is when that is done."""
    truck, scale = working.trucks[event.who], working.parameters.scale
    aboard = working.pallets.place == ON_TRUCK - truck.number
    aboard[list(truck.brings)] |= working.pallets.place[list(truck.brings)] == EXPECTED
    mass_g = truck.tare_g + truck.hidden_g + int(working.pallets.mass_g[aboard].sum())
    times = 2 if working.draw.random() < working.parameters.flow.weighed_twice_share else 1
    for _ in range(times - 1):
        _weigh(working, event.at_s, "weighbridge-1", mass_g, scale.bridge_interval_g, truck=truck.number)
        event = msgspec.structs.replace(event, at_s=event.at_s + AGAIN_S)
    _weigh(working, event.at_s, "weighbridge-1", mass_g, scale.bridge_interval_g, truck=truck.number)
    return event


def _weigh(
    working: Working,
    at_s: float,
    name: str,
    mass_g: int,
    interval_g: int,
    *,
    truck: int = -1,
    pallet: int = -1,
) -> None:
    """A scale comes to rest under a truck or a pallet."""
    if working.blindness(name, at_s) is not None:
        return
    shown = seeing.weighing_g(
        mass_g,
        interval_g,
        working.parameters.scale.in_service_intervals,
        working.drift.get(name, 0.0),
        working.draw,
        zero_g=working.wanders_g(name, at_s),
    )
    working.notice(Weighed(name, at_s, shown, truck=truck, pallet=pallet))


def _dock(working: Working, event: Event) -> None:
    if -1 not in working.docks:
        working.waiting.append(event.who)
        return
    dock = working.docks.index(-1)
    working.docks[dock] = event.who
    yard.drive(working, event.who, event.at_s, event.at_s + yard.TO_DOOR_S, yard.at_dock(working, dock))
    truck = working.trucks[event.who]
    work = [Job("in", pallet, truck.number, -1, event.at_s) for pallet in truck.brings]
    work += [Job("out", pallet, truck.number, -1, event.at_s) for pallet in truck.takes]
    working.jobs += work
    working.trucks[event.who] = msgspec.structs.replace(truck, dock=dock, left_to_do=len(work))
    _dispatch(working, event.at_s)


def _done_at_truck(working: Working, number: int, at_s: float) -> None:
    truck = working.trucks[number]
    truck = msgspec.structs.replace(truck, left_to_do=truck.left_to_do - 1)
    working.trucks[number] = truck
    if truck.left_to_do == 0:
        working.due(Event(at_s + LOADING_BAY_S, 0, "depart", who=number))


def _depart(working: Working, event: Event) -> None:
    truck = working.trucks[event.who]
    working.docks[truck.dock] = -1
    if working.waiting:
        working.due(Event(event.at_s + TO_GATE_S, 0, "dock", who=working.waiting.pop(0)))
    if truck.is_ordered:
        _drive(working, event, TO_DOCK_S, yard.BRIDGE, "weigh_out")
    else:
        _drive(working, event, TO_DOCK_S, yard.at_gate(working, event.who), "leave")


def _weigh_out(working: Working, event: Event) -> None:
    event = _weigh_truck(working, event)
    _drive(working, event, TO_GATE_S, yard.at_gate(working, event.who), "leave")


def _leave(working: Working, event: Event) -> None:
    truck = working.trucks.pop(event.who)
    _pass_gate(working, truck, event.at_s, "out")
    for pallet in np.flatnonzero(working.pallets.place == ON_TRUCK - truck.number):
        working.put_at(int(pallet), GONE, event.at_s)
        working.reserved.discard(-1 - int(pallet))
    acting.truck_left(working, event.who, event.at_s)


# --- forklifts -----------------------------------------------------------------------------------


def _relocate(working: Working, event: Event) -> None:
    [pallet] = working.pick_stored(1)
    working.jobs.append(Job("move", pallet, -1, -1, event.at_s))
    _dispatch(working, event.at_s)


def _free(working: Working, event: Event) -> None:
    """A forklift has nothing to do; -1 says that the shift begins."""
    if event.who >= 0:
        forklift = working.forklifts[event.who]
        working.forklifts[event.who] = msgspec.structs.replace(forklift, is_busy=False)
    _dispatch(working, event.at_s)


def _dispatch(working: Working, at_s: float) -> None:
    """Give work to the forklifts that have none, oldest work first; out of the shift, what nobody ordered."""
    flow = working.parameters.flow
    is_shift = flow.day_begins_h <= (at_s % DAY_S) / 3600 < flow.day_ends_h
    for number, forklift in enumerate(working.forklifts):
        if forklift.is_busy:
            continue
        job = next((job for job in working.jobs if is_shift or _is_unordered(working, job)), None)
        if job is None:
            return
        working.jobs.remove(job)
        _send(working, number, job, at_s)


def _is_unordered(working: Working, job: Job) -> bool:
    return job.truck in working.trucks and not working.trucks[job.truck].is_ordered


def _send(working: Working, number: int, job: Job, at_s: float) -> None:
    forklift = working.forklifts[number]
    if job.kind != "out":
        job = msgspec.structs.replace(job, place=working.free_place())
    last = forklift.legs[-1]
    drive = Drive(working, number, msgspec.structs.replace(last, at_s=max(last.at_s, at_s)))
    drive.do(job, working.trucks[job.truck].dock if job.truck >= 0 else 0)
    for event in drive.events:
        working.due(event)
    working.forklifts[number] = msgspec.structs.replace(
        forklift, legs=(*forklift.legs, *drive.legs), is_busy=True
    )


def _pass(working: Working, event: Event) -> None:
    """A forklift has driven along an aisle: its reader heard some of what stands on either side."""
    low, high = sorted((event.column_from, event.column_to))
    stock = working.pallet_at.reshape(working.places.shape)[event.place, :, low : high + 1, :].ravel()
    chosen = stock[stock >= 0]
    chosen = chosen[working.pallets.moved_s[chosen] < event.from_s]
    name = f"fork-reader-{event.who + 1}"
    if len(chosen) == 0 or working.blindness(name, event.at_s) is not None:
        return
    hit = seeing.pass_reads(
        working.parameters, working.pallets, chosen, working.places, event.who, working.draw
    )
    chosen = chosen[hit]
    column = working.places.column[working.pallets.place[chosen]]
    span = max(1, abs(event.column_to - event.column_from))
    share = np.abs(column - event.column_from) / span
    at_s = event.from_s + share * (event.at_s - event.from_s) + working.draw.uniform(-0.4, 0.4, len(chosen))
    tags_read(
        working,
        name,
        chosen,
        at_s,
        1 + working.places.side[working.pallets.place[chosen]],
    )


def _sweep(working: Working, event: Event) -> None:
    """The drone or cart goes through one aisle at night."""
    stock = working.pallet_at.reshape(working.places.shape)[event.who].ravel()
    chosen = stock[stock >= 0]
    if len(chosen) == 0 or working.blindness("sweep-1", event.at_s) is not None:
        return
    hit = seeing.sweep_reads(working.parameters, working.pallets, chosen, working.places, working.draw)
    chosen = chosen[hit]
    share = working.places.column[working.pallets.place[chosen]] / working.parameters.site.columns
    tags_read(
        working, "sweep-1", chosen, event.at_s + share * SWEEP_AISLE_S, np.ones(len(chosen), dtype=np.int32)
    )


def _pick(working: Working, event: Event) -> None:
    forklift, pallet = event.who, event.pallet
    if event.place >= 0:
        x_m, y_m, z_m = _point(working, event.place)
    else:
        x_m, y_m, z_m = float(working.places.dock_x_m[-1 - event.place]), DOCK_Y_M - 1.0, 1.2
        _weigh_pallet(working, event)
    working.put_at(pallet, ON_FORKLIFT - forklift, event.at_s)
    fixes.load_changed(working, event, "picked_up", x_m, y_m, z_m)
    truck = next((t for t in working.trucks.values() if pallet in t.brings), None)
    if event.place < 0 and truck is not None:
        _done_at_truck(working, truck.number, event.at_s)


def _weigh_pallet(working: Working, event: Event) -> None:
    """Every pallet that comes in is set on a floor scale by its dock."""
    devices, interval_g = working.parameters.devices, working.parameters.scale.floor_interval_g
    name = f"scale-{1 + event.who % devices.floor_scales}"
    mass_g = int(working.pallets.mass_g[event.pallet])
    _weigh(working, event.at_s, name, mass_g, interval_g, pallet=event.pallet)


def _cross(working: Working, event: Event) -> None:
    """A pallet goes through a dock's portal; now and then parked ones are heard too."""
    parameters, draw = working.parameters, working.draw
    is_blind = working.blindness(f"portal-{event.place + 1}", event.at_s) is not None
    count = (
        0 if is_blind else seeing.portal_reads(parameters, working.pallets, event.pallet, event.place, draw)
    )
    inwards = event.column_from > 0
    share = draw.random(count)
    right = np.where((share < 0.5) == inwards, 1, 2).astype(np.int32)
    strays = np.empty(0, dtype=np.int32) if is_blind else _strays(working)
    share = np.append(share, draw.random(len(strays)))
    pallets = np.append(np.full(count, event.pallet, dtype=np.int32), strays)
    right = np.append(right, np.full(len(strays), 2, dtype=np.int32))
    order = np.argsort(share, kind="stable")
    working.notice(
        PortalRead(
            event.place,
            event.pallet,
            "in" if inwards else "out",
            event.at_s,
            event.at_s - CROSSING_S + CROSSING_S * share[order],
            pallets[order],
            seeing.wrong_antennas(parameters, right[order], draw),
            seeing.rssi_cdbm(len(order), draw),
        )
    )


def _strays(working: Working) -> np.ndarray:
    """Parked pallets near the door that rounds of a crossing hear, one entry a round."""
    reader, draw = working.parameters.reader, working.draw
    near = working.pallet_at.reshape(working.places.shape)[:, :, :STRAY_COLUMNS, 0].ravel()
    near = near[(near >= 0) & ~working.pallets.is_dead[near]]
    if draw.random() >= reader.stray_share or len(near) == 0:
        return np.empty(0, dtype=np.int32)
    chosen = near[draw.integers(len(near), size=int(draw.integers(1, 3)))]
    rounds = 1 + draw.binomial(2 * reader.stray_reads - 2, 0.5, len(chosen))
    return np.repeat(chosen, rounds).astype(np.int32)


def _drop(working: Working, event: Event) -> None:
    if event.place < 0:
        working.put_at(event.pallet, ON_TRUCK - event.column_from, event.at_s)
        x_m = float(working.places.dock_x_m[-1 - event.place])
        fixes.load_changed(working, event, "set_down", x_m, DOCK_Y_M - 1.0, 1.2)
        _done_at_truck(working, event.column_from, event.at_s)
        return
    place = event.place
    if working.draw.random() < people.misplaced_share(working, event.at_s):
        working.reserved.discard(place)
        place = working.free_place()
    working.put_at(event.pallet, place, event.at_s)
    working.reserved.discard(-1 - event.pallet)
    fixes.load_changed(working, event, "set_down", *_point(working, place))
    people.confirm(working, event.at_s, event.pallet, place, event.place)


def _point(working: Working, place: int) -> tuple[float, float, float]:
    places = working.places
    return float(places.x_m[place]), float(places.y_m[place]), float(places.z_m[place])


HANDLERS: Mapping[str, Callable[[Working, Event], None]] = {
    "day": _day,
    "arrive": _arrive,
    "weigh_in": _weigh_in,
    "dock": _dock,
    "depart": _depart,
    "weigh_out": _weigh_out,
    "leave": _leave,
    "move": _relocate,
    "free": _free,
    "pass": _pass,
    "pick": _pick,
    "cross": _cross,
    "drop": _drop,
    "sweep": _sweep,
    "correct": people.correct,
    **standing.HANDLERS,
    **acting.HANDLERS,
}
