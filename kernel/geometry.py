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


def _earth_centred(latitude_deg: float, longitude_deg: float, height_m: float) -> tuple[float, float, float]:
    """WGS 84 degrees and height to metres from the centre of the earth: to 0 E, to 90 E, to the north
    pole."""
    latitude, longitude = math.radians(latitude_deg), math.radians(longitude_deg)
    normal_m = EARTH_RADIUS_EQUATOR_M / math.sqrt(1 - EARTH_ECCENTRICITY_SQUARED * math.sin(latitude) ** 2)
    from_axis_m = (normal_m + height_m) * math.cos(latitude)
    return (
        from_axis_m * math.cos(longitude),
        from_axis_m * math.sin(longitude),
        (normal_m * (1 - EARTH_ECCENTRICITY_SQUARED) + height_m) * math.sin(latitude),
    )


def site_from_wgs84(
    origin: Origin, latitude_deg: float, longitude_deg: float, height_m: float = 0.0
) -> Point:
    """WGS 84 degrees to metres in the site's frame.

    East and north are those of the plane that touches the ellipsoid at the origin, without approximation: a
    flat plan of a wide site stays true. Up is the difference in height, as a levelling gives it.
    """
    centre = _earth_centred(origin.latitude_deg, origin.longitude_deg, origin.height_m)
    place = _earth_centred(latitude_deg, longitude_deg, height_m)
    x_m, y_m, z_m = (there - here for there, here in zip(place, centre, strict=True))
    latitude, longitude = math.radians(origin.latitude_deg), math.radians(origin.longitude_deg)
    outwards_m = math.cos(longitude) * x_m + math.sin(longitude) * y_m
    east_m = math.cos(longitude) * y_m - math.sin(longitude) * x_m
    north_m = math.cos(latitude) * z_m - math.sin(latitude) * outwards_m
    turned = Transform(rotation_deg=-origin.rotation_deg).apply(Point(east_m, north_m))
    return Point(turned.x_m, turned.y_m, height_m - origin.height_m)


def wgs84_from_site(origin: Origin, point_in_site: Point) -> tuple[float, float, float]:
    """Latitude, longitude and height of a point: `site_from_wgs84` the other way, to a micrometre.

    By steps along the meridian and the parallel, each as long as what is still missing.
    """
    latitude_deg, longitude_deg = origin.latitude_deg, origin.longitude_deg
    height_m = origin.height_m + point_in_site.z_m
    for _ in range(8):
        here = site_from_wgs84(origin, latitude_deg, longitude_deg, height_m)
        missing = Point(point_in_site.x_m - here.x_m, point_in_site.y_m - here.y_m)
        level = Transform(rotation_deg=origin.rotation_deg).apply(missing)
        latitude = math.radians(latitude_deg)
        bend = 1 - EARTH_ECCENTRICITY_SQUARED * math.sin(latitude) ** 2
        across_m = EARTH_RADIUS_EQUATOR_M / math.sqrt(bend)
        along_m = across_m * (1 - EARTH_ECCENTRICITY_SQUARED) / bend
        latitude_deg += math.degrees(level.y_m / (along_m + height_m))
        longitude_deg += math.degrees(level.x_m / ((across_m + height_m) * math.cos(latitude)))
    return latitude_deg, longitude_deg, height_m


def distance_m(a: Point, b: Point) -> float:
    """Straight distance in metres between two points of one frame."""
    return math.dist((a.x_m, a.y_m, a.z_m), (b.x_m, b.y_m, b.z_m))
