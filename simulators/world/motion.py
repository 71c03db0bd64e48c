"""Moving along a path of points: pure geometry."""

import math

from kernel.geometry import Point, distance_m


def advance(point: Point, path: tuple[Point, ...], length_m: float) -> tuple[Point, tuple[Point, ...]]:
    """Go `length_m` along `path` from `point`; returns where one is and what is still ahead."""
    while path:
        gap = distance_m(point, path[0])
        if gap > length_m:
            share = length_m / gap
            return _between(point, path[0], share), path
        point, path, length_m = path[0], path[1:], length_m - gap
    return point, path


def heading(start: Point, end: Point, otherwise_deg: float) -> float:
    """Degrees anticlockwise from east from `start` to `end`; `otherwise_deg` when they coincide."""
    if math.hypot(end.x_m - start.x_m, end.y_m - start.y_m) < 1e-6:
        return otherwise_deg
    return math.degrees(math.atan2(end.y_m - start.y_m, end.x_m - start.x_m)) % 360


def _between(a: Point, b: Point, share: float) -> Point:
    return Point(
        a.x_m + (b.x_m - a.x_m) * share, a.y_m + (b.y_m - a.y_m) * share, a.z_m + (b.z_m - a.z_m) * share
    )
