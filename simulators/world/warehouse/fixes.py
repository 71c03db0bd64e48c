"""Where a forklift's tag takes itself to be, and what of it the truck tells: its way, and its load. Pure.

Fixes are drawn once, one a second of the shift and of a night drive, and all that is told comes from them:
positions, the speed and heading between two, and the place of a fork that stands.
"""

import math
from typing import Literal

import msgspec
import numpy as np

from simulators.world.warehouse import acting, seeing
from simulators.world.warehouse.build import DAY_S
from simulators.world.warehouse.state import Event, Fixes, Forklift, LoadChanged, Moved
from simulators.world.warehouse.working import Working

MEDIAN_OF = 5
"""A fork that stands is where the median of its last fixes is."""
STANDS_S = 10.0
"""It stands for longer than this before it lifts or lowers; older fixes are of its way there."""

NONE = Fixes(np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=np.int32))


def take(working: Working, number: int, until_s: float) -> None:
    """Draw the fixes of a forklift that fall due by then."""
    forklift, flow, noise = working.forklifts[number], working.parameters.flow, working.parameters.position
    seconds = np.arange(math.floor(forklift.fixed_s) + 1, math.floor(until_s) + 1, dtype=np.float64)
    hours = (seconds % DAY_S) / 3600
    is_shift = (flow.day_begins_h <= hours) & (hours < flow.day_ends_h)
    seconds = seconds[is_shift | (seconds <= forklift.legs[-1].at_s)]
    working.forklifts[number] = msgspec.structs.replace(forklift, fixed_s=until_s)
    if len(seconds) == 0 or working.blindness(f"forklift-{number + 1}", until_s) is not None:
        return
    x_m, y_m = acting.told_position(working, number, seconds, *_where(forklift, seconds))
    draw = working.draw
    far = draw.random(len(seconds)) < noise.outlier_share
    off_m = np.where(far, draw.uniform(noise.outlier_m_min, noise.outlier_m_max, len(seconds)), 0.0)
    angle = draw.uniform(0, 2 * math.pi, len(seconds))
    x_m = x_m + draw.normal(0, noise.sigma_m, len(seconds)) + off_m * np.cos(angle)
    y_m = y_m + draw.normal(0, noise.sigma_m, len(seconds)) + off_m * np.sin(angle)
    load = np.full(len(seconds), forklift.heard, dtype=np.int32)
    working.fixes[number].append(Fixes(seconds, x_m, y_m, load))


def tell(working: Working, number: int, until_s: float) -> None:
    """A forklift's positions of this step; its way behind is forgotten."""
    take(working, number, until_s)
    forklift = working.forklifts[number]
    if working.fixes[number]:
        fixes = _all(working, number)
        new = slice(0 if forklift.recent is None else len(forklift.recent.at_s), None)
        # The first fix of all has none before it.
        dx_m, dy_m, dt_s = (np.diff(of, prepend=of[:1])[new] for of in (fixes.x_m, fixes.y_m, fixes.at_s))
        working.notice(
            Moved(
                number,
                fixes.at_s[new],
                fixes.x_m[new],
                fixes.y_m[new],
                np.degrees(np.arctan2(dy_m, dx_m)) % 360,
                np.hypot(dx_m, dy_m) / np.maximum(dt_s, 1.0),
                fixes.load[new],
            )
        )
        forklift = msgspec.structs.replace(forklift, recent=_last(fixes, MEDIAN_OF))
    legs = forklift.legs
    behind = next((place for place in range(len(legs) - 1, -1, -1) if legs[place].at_s <= until_s), 0)
    working.forklifts[number] = msgspec.structs.replace(forklift, legs=legs[behind:])


def load_changed(
    working: Working,
    event: Event,
    action: Literal["picked_up", "set_down"],
    x_m: float,
    y_m: float,
    z_m: float,
) -> None:
    """The load switch moved while the fork was truly at that point. It is told at the median of the tag's
    last fixes, by as much aside as the fork reaches; without a fix nothing is told."""
    number = event.who
    take(working, number, event.at_s)
    if action == "picked_up":
        _hear(working, number, event)
    forklift = working.forklifts[number]
    told = _stands_at(working, number, event.at_s)
    if told is not None:
        truck_x_m, truck_y_m = (float(of) for of in _where(forklift, event.at_s))
        noise, draw = working.parameters.position, working.draw
        is_lost, lift_m = draw.random() < noise.lift_lost_share, z_m + draw.normal(0, noise.lift_sigma_m)
        fork = told[0] + x_m - truck_x_m, told[1] + y_m - truck_y_m, 0.0 if is_lost else float(lift_m)
        working.notice(LoadChanged(number, event.at_s, action, forklift.heard, *fork))
    if action == "set_down":
        working.forklifts[number] = msgspec.structs.replace(forklift, heard=-1)


def _hear(working: Working, number: int, event: Event) -> None:
    """The reader on the fork hears the tag of what it lifts, or does not until that is set down."""
    is_blind = working.blindness(f"fork-reader-{number + 1}", event.at_s) is not None
    is_heard = not is_blind and seeing.load_read(
        working.parameters, working.pallets, event.pallet, number, working.draw
    )
    working.forklifts[number] = msgspec.structs.replace(
        working.forklifts[number], heard=event.pallet if is_heard else -1
    )


def _where(forklift: Forklift, at_s: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where it truly is."""
    times = [leg.at_s for leg in forklift.legs]
    x_m = np.interp(at_s, times, [leg.x_m for leg in forklift.legs])
    return np.asarray(x_m), np.asarray(np.interp(at_s, times, [leg.y_m for leg in forklift.legs]))


def _stands_at(working: Working, number: int, at_s: float) -> tuple[float, float] | None:
    fixes = _all(working, number)
    late = fixes.at_s > at_s - STANDS_S
    if not late.any():
        return None
    x_m, y_m = (of[late][-MEDIAN_OF:] for of in (fixes.x_m, fixes.y_m))
    return float(np.median(x_m)), float(np.median(y_m))


def _all(working: Working, number: int) -> Fixes:
    """The last of the steps before and those of this one."""
    recent = working.forklifts[number].recent
    parts = [*([NONE] if recent is None else [recent]), *working.fixes[number]]
    return Fixes(
        np.concatenate([part.at_s for part in parts]),
        np.concatenate([part.x_m for part in parts]),
        np.concatenate([part.y_m for part in parts]),
        np.concatenate([part.load for part in parts]),
    )


def _last(fixes: Fixes, count: int) -> Fixes:
    return Fixes(fixes.at_s[-count:], fixes.x_m[-count:], fixes.y_m[-count:], fixes.load[-count:])
