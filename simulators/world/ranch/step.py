"""One step of the ranch. Pure.

`step(world, dt_s, rng)` gives the same next world for the same world, time and stream; the stream of a step
is its own, so that a step can be made again without those before it.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from kernel.rng import Rng
from simulators.world.ranch import handling, hearing, living
from simulators.world.ranch.build import DAY_S
from simulators.world.ranch.state import DEAD, GONE, Died, Herd, Ranch, Seen, Stood, reader_name
from simulators.world.ranch.troubles import Trouble, drifted, is_off, is_stormy, tags_dying

REMOVED_AFTER_S = 2 * DAY_S
"""A carcass is found and taken away within two days (set)."""


def step(world: Ranch, dt_s: float, rng: Rng) -> Ranch:
    """The ranch `dt_s` seconds later, with what was noticed meanwhile in `seen`. A step is at most as long as
    the tags' interval, so that each sends one beacon in it."""
    parameters, at_s = world.parameters, world.time_s
    if not 0 < dt_s <= parameters.station.beacon_s:
        raise ValueError(f"dt_s must be above 0 and at most {parameters.station.beacon_s}")
    draw = rng.child(f"step/{round(at_s * 1_000)}").numpy
    seen: list[Seen] = []
    herd = _lived(world, dt_s, draw, seen)
    stormy = is_stormy(world.troubles, at_s)
    if stormy:
        middle = living.corners(parameters)
        x_m, y_m = living.crowded(herd, middle, draw)
    else:
        middle = living.middles(parameters, world.herd_x_m, world.herd_y_m, at_s, draw)
        x_m, y_m = living.places(parameters, herd, herd.doing, middle, draw)
    herd = msgspec.structs.replace(herd, x_m=x_m, y_m=y_m)
    herd, batch, carried_g = _fed(world, herd, dt_s, draw, seen)
    seen += handling.counted_at_gates(parameters, herd, at_s, dt_s, draw)
    if handling.starts_within(at_s, dt_s, parameters.scale.chute_begins_h):
        seen += handling.weighed_in_chute(parameters, herd, at_s, draw)
    seen += handling.weighed_walking(parameters, herd, at_s, dt_s, draw)
    heard, down_until_s = hearing.heard_by(world, herd, at_s, dt_s, draw)
    seen += heard
    told, untold = noticed_by_devices(world.troubles, seen)
    hourly = at_s % 3_600 < dt_s
    bad = draw.random() < parameters.station.bad_weather_share
    return Ranch(
        parameters=parameters,
        time_s=at_s + dt_s,
        herd=herd,
        herd_x_m=middle[0],
        herd_y_m=middle[1],
        station_x_m=world.station_x_m,
        station_y_m=world.station_y_m,
        station_down_until_s=down_until_s,
        is_bad_weather=stormy or (bool(bad) if hourly else world.is_bad_weather),
        next_batch=batch,
        carried_g=carried_g,
        seen=tuple(told),
        untold=tuple(untold),
        troubles=world.troubles,
    )


def noticed_by_devices(
    troubles: Sequence[Trouble], happened: Iterable[Seen]
) -> tuple[list[Seen], list[Seen]]:
    """What is left of what could be noticed when devices are off and scales have drifted, and what is not."""
    told, untold = list[Seen](), list[Seen]()
    for one in happened:
        if isinstance(one, Died):
            told.append(one)
        elif is_off(troubles, one.device, one.at_s):
            untold.append(one)
        else:
            told.append(_weighed(troubles, one) if isinstance(one, Stood) else one)
    return told, untold


def _weighed(troubles: Sequence[Trouble], stood: Stood) -> Stood:
    factor = drifted(troubles, stood.device, stood.at_s)
    is_heard = stood.is_tag_heard and not is_off(troubles, reader_name(stood.device), stood.at_s)
    return msgspec.structs.replace(stood, shown_g=round(stood.shown_g * factor), is_tag_heard=is_heard)


def _lived(world: Ranch, dt_s: float, draw: np.random.Generator, seen: list[Seen]) -> Herd:
    """What the animals do, gain and suffer in the step."""
    parameters, herd, at_s = world.parameters, world.herd, world.time_s
    doing, lay_s = living.doings(parameters, herd, at_s, dt_s, draw)
    mass_g = living.grown_g(parameters, herd, at_s, dt_s)
    was_sick = herd.health
    health, until_s, will_die, dies = living.sickened(parameters, herd, at_s, dt_s, draw)
    until_s = np.where(dies, at_s, until_s)
    seen += [Died(at_s, int(animal), bool(was_sick[animal])) for animal in np.flatnonzero(dies)]
    taken_away = (health == DEAD) & (at_s - until_s > REMOVED_AFTER_S)
    a_step = parameters.station.tag_death_a_year * dt_s / living.YEAR_S
    tag_is_dead = herd.tag_is_dead | (draw.random(herd.count) < a_step)
    tag_is_dead[
        tags_dying(world.troubles, np.flatnonzero((herd.pen >= 0) & ~tag_is_dead), at_s, dt_s, draw)
    ] = True
    return msgspec.structs.replace(
        herd,
        doing=doing,
        lay_s=lay_s,
        mass_g=mass_g,
        health=health,
        until_s=until_s,
        will_die=will_die,
        pen=np.where(taken_away, GONE, herd.pen).astype(np.int32),
        tag_is_dead=tag_is_dead,
        intake_g=np.zeros(herd.count) if at_s % DAY_S < dt_s else herd.intake_g,
    )


def _fed(
    world: Ranch, herd: Herd, dt_s: float, draw: np.random.Generator, seen: list[Seen]
) -> tuple[Herd, int, float]:
    """The wagon comes, when it is time."""
    batch, carried_g = world.next_batch, world.carried_g
    for hour in world.parameters.day.feedings_h:
        if handling.starts_within(world.time_s, dt_s, hour):
            told, eaten_g, batch, carried_g = handling.fed(
                world.parameters, herd, world.time_s, batch, carried_g, draw
            )
            seen += told
            herd = msgspec.structs.replace(herd, intake_g=herd.intake_g + eaten_g)
    return herd, batch, carried_g
