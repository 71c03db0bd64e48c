"""The ways of trucks over the yard, and the satellite receivers that they are lent at the gate. Pure."""

import math

import msgspec
import numpy as np

from simulators.world.warehouse.places import DOCK_Y_M, GATE_Y_M, gate_x_m
from simulators.world.warehouse.state import Leg, Tracked
from simulators.world.warehouse.working import Working

BRIDGE = 13.0, 13.6
"""The middle of the weighbridge."""
WAITING_Y_M = 24.0
BEFORE_DOOR_M = 6.0
"""A truck's cab stands so far from the door of its dock."""
TO_DOOR_S = 20.0

Spot = tuple[float, float]


def at_gate(working: Working, truck: int) -> Spot:
    return float(gate_x_m(working.parameters)[working.trucks[truck].gate]), GATE_Y_M


def waiting(truck: int) -> Spot:
    """Where a truck waits for a dock, beside those before it."""
    return 8.0 + 5.0 * (truck % 8), WAITING_Y_M


def at_dock(working: Working, dock: int) -> Spot:
    return float(working.places.dock_x_m[dock]), DOCK_Y_M - BEFORE_DOOR_M


def stand(working: Working, truck: int, at_s: float, spot: Spot) -> None:
    """It is there now."""
    known = working.trucks[truck]
    working.trucks[truck] = msgspec.structs.replace(known, legs=(*known.legs, Leg(at_s, *spot)))


def drive(working: Working, truck: int, from_s: float, until_s: float, spot: Spot) -> None:
    """It sets out from where it stands and is there by then."""
    last = working.trucks[truck].legs[-1]
    stand(working, truck, max(from_s, last.at_s), (last.x_m, last.y_m))
    stand(working, truck, max(until_s, last.at_s), spot)


def lend_tracker(working: Working, truck: int) -> None:
    """The gatekeeper gives a truck that was announced a receiver, while there are any."""
    lent = {other.tracker for other in working.trucks.values()}
    free = (n for n in range(working.parameters.devices.yard_trackers) if n not in lent)
    known = working.trucks[truck]
    if known.is_ordered:
        working.trucks[truck] = msgspec.structs.replace(known, tracker=next(free, -1))


def track(working: Working, from_s: float, until_s: float) -> None:
    """What the receivers told in that time."""
    gnss, draw = working.parameters.gnss, working.draw
    first = math.floor(from_s / gnss.every_s) + 1
    seconds = np.arange(first, math.floor(until_s / gnss.every_s) + 1, dtype=np.float64) * gnss.every_s
    for number, truck in sorted(working.trucks.items()):
        at_s = seconds[seconds >= truck.legs[0].at_s] if truck.legs else seconds[:0]
        if truck.tracker < 0 or len(at_s) == 0:
            continue
        times = [leg.at_s for leg in truck.legs]
        x_m, y_m = (
            np.interp(at_s, times, [getattr(leg, axis) for leg in truck.legs]) for axis in ("x_m", "y_m")
        )
        jumps = draw.random(len(at_s)) < gnss.jump_share
        off_m = np.where(jumps, draw.uniform(gnss.jump_m_min, gnss.jump_m_max, len(at_s)), 0.0)
        angle = draw.uniform(0, 2 * math.pi, len(at_s))
        x_m = x_m + draw.normal(0, gnss.sigma_m, len(at_s)) + off_m * np.cos(angle)
        y_m = y_m + draw.normal(0, gnss.sigma_m, len(at_s)) + off_m * np.sin(angle)
        if working.blindness(f"tracker-{truck.tracker + 1}", until_s) is None:
            working.notice(Tracked(truck.tracker, at_s, x_m, y_m))
        behind = next((n for n in range(len(times) - 1, -1, -1) if times[n] <= until_s), 0)
        working.trucks[number] = msgspec.structs.replace(truck, legs=truck.legs[behind:])
