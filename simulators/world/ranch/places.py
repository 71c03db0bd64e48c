"""The ranch as the product is given it: pens along the south, the pasture north of them, devices. Pure.

The world's own frame has its origin at the pasture's corner, with pens south of it; a site's frame begins at
its outline, so that everything lies further north by two rows of pens.
"""

import math

from kernel.geometry import Origin
from kernel.layout import Layout, Mount, Zone
from simulators.world.ranch.build import pen_middles, station_places
from simulators.world.ranch.handling import CHUTE
from simulators.world.ranch.parameters import Parameters
from simulators.world.ranch.state import WAGON, camera_name, reader_name, station_name

PASTURE = "pasture"
YARD = "yard"


def layout_of(parameters: Parameters, site_id: str = "ranch-ref") -> Layout:
    """Zones of the site and where each device hangs."""
    site = parameters.site
    south_mm = _mm(2 * site.pen_side_m)
    side_mm, pens_mm = _mm(site.pasture_side_m), _mm(math.ceil(site.pens / 2) * site.pen_side_m)
    yard_mm = pens_mm + _mm(site.pen_side_m)
    return Layout(
        site_id=site_id,
        name_en="Reference ranch",
        name_zh="基准牧场",
        origin=Origin(latitude_deg=43.95, longitude_deg=116.07),
        time_zone="Asia/Shanghai",
        mode="ranch",
        width_mm=max(side_mm, yard_mm),
        length_mm=south_mm + side_mm,
        zones=[
            *_pens(parameters, south_mm),
            _zone(YARD, "yard", "Handling yard", "处理区", pens_mm, 0, yard_mm, south_mm),
            _zone(PASTURE, "pasture", "Pasture", "放牧场", 0, south_mm, side_mm, south_mm + side_mm),
        ],
        mounts=_mounts(parameters, pens_mm, south_mm),
    )


def pen_name(pen: int) -> str:
    """As the wagon's indicator has it, in six characters."""
    return f"PEN-{pen + 1:02d}"


def _pens(parameters: Parameters, south_mm: int) -> list[Zone]:
    half_mm = _mm(parameters.site.pen_side_m) // 2
    x_m, y_m = pen_middles(parameters)
    zones = []
    for pen, (x, y) in enumerate(zip(x_m.tolist(), y_m.tolist(), strict=True)):
        east_mm, north_mm = _mm(x), _mm(y) + south_mm
        corners = east_mm - half_mm, north_mm - half_mm, east_mm + half_mm, north_mm + half_mm
        zones.append(_zone(pen_name(pen), "pen", f"Pen {pen + 1}", f"{pen + 1} 号栏", *corners))
    return zones


def _mounts(parameters: Parameters, pens_mm: int, south_mm: int) -> list[Mount]:
    x_m, y_m = station_places(parameters)
    mounts = []
    for number, (x, y) in enumerate(zip(x_m.tolist(), y_m.tolist(), strict=True)):
        serves = pen_name(0) if y < 0 else PASTURE
        mounts.append(_mount(station_name(number), "ear_tag", serves, _mm(x), _mm(y) + south_mm, 6_000))
    first_pen = parameters.site.pens - parameters.scale.walk_over
    scales = {CHUTE: YARD}
    for number in range(parameters.scale.walk_over):
        scales[f"walk-over-{number + 1}"] = pen_name(first_pen + number)
    for name, serves in scales.items():
        mounts.append(_mount(name, "modbus_weighbridge", serves, pens_mm, 10_000))
        mounts.append(_mount(reader_name(name), "ear_tag", serves, pens_mm, 10_000, 2_000))
    mounts.append(_mount(WAGON, "tmr", YARD, pens_mm, 20_000))
    return mounts + [
        _mount(camera_name(number), "onvif_m", PASTURE, number * pens_mm, south_mm, 4_000)
        for number in range(parameters.camera.count)
    ]


def _zone(
    zone_id: str, kind: str, name_en: str, name_zh: str, west: int, south: int, east: int, north: int
) -> Zone:
    outline = [(west, south), (east, south), (east, north), (west, north)]
    return Zone(zone_id=zone_id, kind=kind, outline_mm=outline, name_en=name_en, name_zh=name_zh)


def _mount(mount_id: str, family: str, serves: str, x_mm: int, y_mm: int, z_mm: int = 0) -> Mount:
    return Mount(mount_id=mount_id, family=family, serves=serves, x_mm=x_mm, y_mm=y_mm, z_mm=z_mm)


def _mm(length_m: float) -> int:
    return round(length_m * 1000)
