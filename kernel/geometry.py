"""Frames and points. One right-handed metric frame per site: x east, y north, z up.

Transforms are named `site_from_rack`; points `point_in_site`. Floats live here and in statistics only.
"""

import math

import msgspec

EARTH_RADIUS_EQUATOR_M = 6_378_137.0
EARTH_ECCENTRICITY_SQUARED = 6.694379990141e-3
"""WGS 84 ellipsoid constants."""


class Point(msgspec.Struct, frozen=True):
    """A point in metres in the frame its name tells (`point_in_site`)."""

    x_m: float
    y_m: float
    z_m: float = 0.0


class Origin(msgspec.Struct, frozen=True):
    """Where a site's frame lies: WGS 84 degrees of its origin, and the turn of its y axis from north."""

    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0
    rotation_deg: float = 0.0


class Transform(msgspec.Struct, frozen=True):
    """A turn about z by `rotation_deg` (anticlockwise), then a shift: `outer_from_inner`."""

    x_m: float = 0.0
    y_m: float = 0.0
    z_m: float = 0.0
    rotation_deg: float = 0.0

    def apply(self, inner: Point) -> Point:
        turn = math.radians(self.rotation_deg)
        cos, sin = math.cos(turn), math.sin(turn)
        return Point(
            self.x_m + cos * inner.x_m - sin * inner.y_m,
            self.y_m + sin * inner.x_m + cos * inner.y_m,
            self.z_m + inner.z_m,
        )


def _radii(latitude_deg: float) -> tuple[float, float]:
    """Meridian and prime-vertical radii of curvature in metres at a latitude (WGS 84)."""
    sin_squared = math.sin(math.radians(latitude_deg)) ** 2
    w = 1 - EARTH_ECCENTRICITY_SQUARED * sin_squared
    return (
        EARTH_RADIUS_EQUATOR_M * (1 - EARTH_ECCENTRICITY_SQUARED) / w**1.5,
        EARTH_RADIUS_EQUATOR_M / math.sqrt(w),
    )


def site_from_wgs84(
    origin: Origin, latitude_deg: float, longitude_deg: float, height_m: float = 0.0
) -> Point:
    """WGS 84 degrees to metres in the site's frame.

    Local tangent approximation: under 1 cm of error within 2 km of the origin.
    """
    meridian_m, normal_m = _radii(origin.latitude_deg)
    north_m = math.radians(latitude_deg - origin.latitude_deg) * meridian_m
    east_m = (
        math.radians(longitude_deg - origin.longitude_deg)
        * normal_m
        * math.cos(math.radians(origin.latitude_deg))
    )
    turned = Transform(rotation_deg=-origin.rotation_deg).apply(Point(east_m, north_m))
    return Point(turned.x_m, turned.y_m, height_m - origin.height_m)


def distance_m(a: Point, b: Point) -> float:
    """Straight distance in metres between two points of one frame."""
    return math.dist((a.x_m, a.y_m, a.z_m), (b.x_m, b.y_m, b.z_m))
