"""The building: racks along aisles, docks on the south side, gates on the yard. Pure.

Aisle a (from 0) runs north at `x = (a + 0.5) * pitch`; rack 2a stands west of it, rack 2a + 1 east. Places
are numbered rack by rack, column by column, level by level, so that `pallet_at` can be seen as an array of
(aisle, side, column, level). Forklifts cross between aisles on the corridor before the racks.
"""

from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from kernel.geometry import Origin, Point, wgs84_from_site
from kernel.layout import Gate, Layout, Mount, Rack, Weighbridge, Zone, all_slots
from simulators.world.warehouse.parameters import Parameters

DOCK_Y_M = 40.0
"""The docks' doors; south of them lies the yard with the gates and the weighbridge."""
GATE_Y_M = 2.0
CORRIDOR_Y_M = DOCK_Y_M + 3.0
FIRST_COLUMN_Y_M = DOCK_Y_M + 4.5
RACK_DEPTH_MM = 1_100
LEVEL_HEIGHT_MM = 1_800


class Places(msgspec.Struct, frozen=True, eq=False):
    """Every pallet place, by number: its slot id, aisle, column, level and the middle of its floor."""

    slot_ids: tuple[str, ...]
    number_of: dict[str, int]
    aisle: NDArray[np.int32]
    side: NDArray[np.int32]
    column: NDArray[np.int32]
    level: NDArray[np.int32]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    z_m: NDArray[np.float64]
    shape: tuple[int, int, int, int]
    aisle_x_m: NDArray[np.float64]
    column_y_m: NDArray[np.float64]
    dock_x_m: NDArray[np.float64]
    earth: tuple[tuple[float, float, float], ...]
    """Longitude, latitude and height of what stands at each place, a metre above its floor."""

    @property
    def count(self) -> int:
        return len(self.slot_ids)


def layout_of(parameters: Parameters, site_id: str = "site-ref") -> Layout:
    """The layout as the product is given it: zones, racks, gates and where each device hangs."""
    site = parameters.site
    dock_mm, width_mm = round(DOCK_Y_M * 1000), round(site.width_m * 1000)
    length_mm = dock_mm + round(site.length_m * 1000)
    pitch_mm = width_mm // site.aisles
    return Layout(
        site_id=site_id,
        name_en="Reference warehouse",
        name_zh="基准仓库",
        origin=Origin(latitude_deg=29.71, longitude_deg=115.99),
        time_zone="Asia/Shanghai",
        width_mm=width_mm,
        length_mm=length_mm,
        zones=[
            _zone("hall", "storage", 0, round(CORRIDOR_Y_M * 1000), width_mm, length_mm),
            _zone("staging", "staging", 0, dock_mm, width_mm, round(CORRIDOR_Y_M * 1000)),
            _zone("yard", "yard", 0, 0, width_mm, dock_mm),
        ],
        racks=[
            _rack(2 * aisle + side, pitch_mm * aisle + pitch_mm // 2, side, parameters)
            for aisle in range(site.aisles)
            for side in (0, 1)
        ],
        gates=[
            Gate(
                gate_id=f"dock-{number + 1}",
                zone_id="staging",
                x_mm=round(float(x_m) * 1000),
                y_mm=dock_mm,
                rotation_deg=90,
                width_mm=3_000,
            )
            for number, x_m in enumerate(dock_x_m(parameters))
        ]
        + [
            Gate(
                gate_id=f"gate-{number + 1}",
                zone_id="yard",
                x_mm=round(float(x_m) * 1000),
                y_mm=round(GATE_Y_M * 1000),
                rotation_deg=90,
                lane_weighbridge_id="weighbridge-1",
            )
            for number, x_m in enumerate(gate_x_m(parameters))
        ],
        weighbridges=[Weighbridge(weighbridge_id="weighbridge-1", zone_id="yard", x_mm=4_000, y_mm=12_000)],
        mounts=_mounts(parameters, width_mm, dock_mm),
    )


def _zone(zone_id: str, kind: str, west: int, south: int, east: int, north: int) -> Zone:
    outline = [(west, south), (east, south), (east, north), (west, north)]
    return Zone(zone_id=zone_id, kind=kind, outline_mm=outline, name_en=zone_id, name_zh=zone_id)


def _rack(number: int, aisle_x_mm: int, side: int, parameters: Parameters) -> Rack:
    site = parameters.site
    half_aisle_mm = 1_600
    # Turned by 90 degrees the bays run north and the depth runs west of the rack's corner.
    x_mm = aisle_x_mm - half_aisle_mm if side == 0 else aisle_x_mm + half_aisle_mm + RACK_DEPTH_MM
    return Rack(
        rack_id=f"R{number + 1:02d}",
        zone_id="hall",
        x_mm=x_mm,
        y_mm=round(FIRST_COLUMN_Y_M * 1000),
        rotation_deg=90,
        bays=site.columns,
        levels=site.levels,
        bay_width_mm=site.column_pitch_mm,
        depth_mm=RACK_DEPTH_MM,
        level_height_mm=LEVEL_HEIGHT_MM,
    )


def _mounts(parameters: Parameters, width_mm: int, dock_mm: int) -> list[Mount]:
    devices = parameters.devices
    docks = dock_x_m(parameters)

    def some(count: int, name: str, family: str, serves: str, x_mm: int = 0, y_mm: int = 0) -> list[Mount]:
        return [
            Mount(mount_id=f"{name}-{n + 1}", family=family, serves=serves, x_mm=x_mm, y_mm=y_mm)
            for n in range(count)
        ]

    mounts = [
        Mount(
            mount_id=f"portal-{n + 1}",
            family="llrp",
            serves=f"dock-{n + 1}",
            x_mm=round(float(docks[n]) * 1000),
            y_mm=dock_mm,
            z_mm=3_000,
        )
        for n in range(devices.portals)
    ]
    mounts += some(1, "weighbridge", "modbus_weighbridge", "weighbridge-1", 4_000, 12_000)
    mounts += some(devices.floor_scales, "scale", "modbus_weighbridge", "staging")
    for number in range(devices.gates):
        gate_id = f"gate-{number + 1}"
        mounts.append(
            Mount(mount_id=f"{gate_id}-barrier", family="modbus_barrier", serves=gate_id, x_mm=0, y_mm=0)
        )
        mounts.append(
            Mount(mount_id=f"{gate_id}-camera", family="onvif_m", serves=gate_id, x_mm=0, y_mm=0, z_mm=4_000)
        )
    mounts += some(devices.forklifts, "forklift", "mqtt_position", "hall")
    mounts += some(devices.forklifts, "fork-reader", "mqtt_reader", "hall")
    mounts += some(1, "sweep", "mqtt_reader", "hall")
    mounts += some(
        devices.overhead_readers, "overhead", "mqtt_reader", "hall", width_mm // 2, dock_mm + 8_000
    )
    mounts += some(devices.stations, "station", "mqtt_reader", "hall", width_mm // 2, dock_mm + 20_000)
    mounts += some(devices.yard_trackers, "tracker", "mqtt_position", "truck")
    mounts += some(1, "lorawan", "chirpstack", "hall")
    mounts += some(devices.climate_sensors, "climate", "chirpstack", "hall")
    mounts += some(devices.handhelds, "pda", "pda", "hall")
    return mounts + some(devices.cameras, "camera", "onvif_m", "hall", width_mm // 2)


def gate_x_m(parameters: Parameters) -> NDArray[np.float64]:
    """Where the gates on the road are, west to east."""
    count = parameters.devices.gates
    return np.asarray(parameters.site.width_m * (np.arange(count) + 1) / (count + 1), dtype=np.float64)


def station_points(parameters: Parameters) -> list[tuple[float, float]]:
    """Where the stations of active tags hang: x and y, along the middle of the hall."""
    count, site = parameters.devices.stations, parameters.site
    return [(site.width_m / 2, DOCK_Y_M + site.length_m * (n + 0.5) / count) for n in range(count)]


def aisles_below(parameters: Parameters) -> list[NDArray[np.intp]]:
    """The aisles whose first columns each reader under the roof hangs above."""
    return np.array_split(np.arange(parameters.site.aisles), parameters.devices.overhead_readers)


def dock_x_m(parameters: Parameters) -> NDArray[np.float64]:
    """Where the dock doors are, west to east."""
    count = parameters.devices.portals
    return np.asarray(parameters.site.width_m * (np.arange(count) + 1) / (count + 1), dtype=np.float64)


@lru_cache(maxsize=4)
def places_of(parameters: Parameters) -> Places:
    """The places of a warehouse, read off its own layout."""
    site, layout = parameters.site, layout_of(parameters)
    slots = all_slots(layout)
    shape = (site.aisles, 2, site.columns, site.levels)
    index = np.arange(len(slots), dtype=np.int32)
    aisle, side, column, level = np.unravel_index(index, shape)
    pitch_m = site.width_m / site.aisles
    return Places(
        slot_ids=tuple(slot.slot_id for slot in slots),
        number_of={slot.slot_id: number for number, slot in enumerate(slots)},
        aisle=aisle.astype(np.int32),
        side=side.astype(np.int32),
        column=column.astype(np.int32),
        level=level.astype(np.int32),
        x_m=np.array([slot.centre.x_m for slot in slots]),
        y_m=np.array([slot.centre.y_m for slot in slots]),
        z_m=np.array([slot.centre.z_m for slot in slots]),
        shape=shape,
        aisle_x_m=np.asarray((np.arange(site.aisles) + 0.5) * pitch_m, dtype=np.float64),
        column_y_m=FIRST_COLUMN_Y_M + (np.arange(site.columns) + 0.5) * site.column_pitch_mm / 1000,
        dock_x_m=dock_x_m(parameters),
        earth=tuple(_earth(layout.origin, slot.centre) for slot in slots),
    )


def camera_parts(parameters: Parameters) -> list[NDArray[np.int32]]:
    """The places that each aisle camera watches on its rounds."""
    site = parameters.site
    count = site.aisles * 2 * site.columns * site.levels
    return np.array_split(np.arange(count, dtype=np.int32), parameters.devices.cameras)


def _earth(origin: Origin, floor: Point) -> tuple[float, float, float]:
    above = Point(floor.x_m, floor.y_m, floor.z_m + 1.0)
    latitude_deg, longitude_deg, height_m = wgs84_from_site(origin, above)
    return round(longitude_deg, 8), round(latitude_deg, 8), round(height_m, 2)
