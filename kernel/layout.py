"""The layout of a site as plain structs. Lengths in millimetres in files, points in the site's frame.

A rack stands on the floor at `origin`, its bays run along its own x axis, levels go up. The slot of bay b
(from 1) and level l (from 1) has the code `{rack}-{bb}-{l}`, for example `A01-07-3`.
`twin/layout` validates; the world of the simulator and the viewer read the same structs.
"""

import msgspec

from kernel.geometry import Origin, Point, Transform, distance_m


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """An area of the floor: `outline` is a ring of [x, y] in mm, anticlockwise, not repeated at the end."""

    zone_id: str
    kind: str
    """storage, staging, dock, yard, road, pen, pasture, fence or no_go."""
    outline_mm: list[tuple[int, int]]
    name_en: str = ""
    name_zh: str = ""


class Rack(msgspec.Struct, frozen=True, kw_only=True):
    """A row of bays. `x_mm, y_mm` is the corner of bay 1; the front faces -y of the rack's own frame."""

    rack_id: str
    zone_id: str
    x_mm: int
    y_mm: int
    rotation_deg: int = 0
    bays: int = 1
    levels: int = 1
    bay_width_mm: int = 1400
    depth_mm: int = 1100
    level_height_mm: int = 1600
    first_level_mm: int = 150


class Weighbridge(msgspec.Struct, frozen=True, kw_only=True):
    weighbridge_id: str
    zone_id: str
    x_mm: int
    y_mm: int
    length_mm: int = 18000
    width_mm: int = 3200
    rotation_deg: int = 0


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A way in and out: a portal whose antennas 1 look outwards and 2 inwards, and a barrier.

    `lane_weighbridge_id` is the weighbridge that every vehicle on this lane crosses.
    """

    gate_id: str
    zone_id: str
    x_mm: int
    y_mm: int
    rotation_deg: int = 0
    width_mm: int = 4500
    outer_antennas: list[int] = msgspec.field(default_factory=lambda: [1])
    inner_antennas: list[int] = msgspec.field(default_factory=lambda: [2])
    lane_weighbridge_id: str | None = None


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """Where a device hangs or stands. `serves` names the gate, weighbridge or zone it watches."""

    mount_id: str
    family: str
    serves: str
    x_mm: int
    y_mm: int
    z_mm: int = 0
    rotation_deg: int = 0


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a site's layout. `mode` is `warehouse` or `ranch`."""

    site_id: str
    name_en: str
    name_zh: str
    origin: Origin
    time_zone: str
    width_mm: int
    length_mm: int
    height_mm: int = 9000
    mode: str = "warehouse"
    zones: list[Zone] = []
    racks: list[Rack] = []
    gates: list[Gate] = []
    weighbridges: list[Weighbridge] = []
    mounts: list[Mount] = []


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One pallet place; `centre` is the middle of its floor, in the site's frame."""

    slot_id: str
    rack_id: str
    bay: int
    level: int
    centre: Point
    heading_deg: float
    width_mm: int
    depth_mm: int
    height_mm: int


def slots_of(rack: Rack) -> list[Slot]:
    """All slots of a rack, bay by bay, bottom up."""
    site_from_rack = Transform(
        x_m=rack.x_mm / 1000, y_m=rack.y_mm / 1000, rotation_deg=float(rack.rotation_deg)
    )
    return [
        Slot(
            slot_id=f"{rack.rack_id}-{bay:02d}-{level}",
            rack_id=rack.rack_id,
            bay=bay,
            level=level,
            centre=site_from_rack.apply(
                Point(
                    (bay - 0.5) * rack.bay_width_mm / 1000,
                    rack.depth_mm / 2000,
                    (rack.first_level_mm + (level - 1) * rack.level_height_mm) / 1000,
                )
            ),
            heading_deg=float(rack.rotation_deg),
            width_mm=rack.bay_width_mm,
            depth_mm=rack.depth_mm,
            height_mm=rack.level_height_mm,
        )
        for bay in range(1, rack.bays + 1)
        for level in range(1, rack.levels + 1)
    ]


def all_slots(layout: Layout) -> list[Slot]:
    """All slots of the layout, rack by rack."""
    return [slot for rack in layout.racks for slot in slots_of(rack)]


def nearest_slot(layout_slots: list[Slot], point_in_site: Point, within_m: float) -> Slot | None:
    """The slot whose floor centre is nearest to the point, or None when none is within `within_m` metres."""
    best: tuple[float, Slot] | None = None
    for slot in layout_slots:
        gap = distance_m(slot.centre, point_in_site)
        if gap <= within_m and (best is None or gap < best[0]):
            best = (gap, slot)
    return best[1] if best else None
