"""What stands before a camera: boxes and stickers in the site's frame, and the camera itself. Pure.

Lengths are metres. A box stands on the middle of its floor and is turned about z. A sticker carries a marker
of the family 36h11, or the modules of a matrix code, and is given by its corners as one looks at it.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from kernel.geometry import Point, Transform
from kernel.layout import Rack, Slot, slots_of

Colour = tuple[int, int, int]
Corner = tuple[float, float, float]
Modules = tuple[tuple[bool, ...], ...]

MARK_M: Final = 0.30
"""The black square of a rack's marks."""
PLACARD_M: Final = 0.24
"""That of the marks before its uprights."""
LABEL_M: Final = 0.22
"""The black square of a pallet's label."""
CODE_M: Final = 0.40
"""A matrix code in its place."""
MARK_HEIGHT_M: Final = 0.34
"""Low at the back of its slot, so that a low pallet hides it too."""
PALLET_M: Final = (1.2, 1.0, 0.15)
PLATE_M: Final = (0.44, 0.14)
"""A number plate of GA 36-2018."""
BEAM_M: Final = 0.12
AIR_M: Final = 0.06
"""At least so much narrower than its slot is a pallet."""
GAP_M: Final = 0.01
"""How far a sticker stands off what it is stuck to."""
STEEL, ORANGE, WOOD = (60, 80, 130), (220, 110, 30), (160, 120, 70)
FLOOR, WALL = (120, 120, 118), (150, 152, 156)
FIRST_PLACARD: Final = 500
"""Markers from here on are placards that nothing hides; below it those of slots and of pallets' labels."""


class Box(msgspec.Struct, frozen=True):
    x_m: float
    y_m: float
    z_m: float
    width_m: float
    depth_m: float
    height_m: float
    colour: Colour
    heading_deg: float = 0.0


class Sticker(msgspec.Struct, frozen=True):
    """`corners` are upper left, upper right, lower right, lower left of the black square; white goes on
    around it. Without `modules` it is the marker."""

    corners: tuple[Corner, Corner, Corner, Corner]
    marker: int = 0
    modules: Modules = ()


class Camera(msgspec.Struct, frozen=True):
    """A pinhole that draws a metre, a metre away, `focal_px` pixels long; its middle is the picture's."""

    x_m: float
    y_m: float
    z_m: float
    pan_deg: float
    tilt_deg: float = 0.0
    roll_deg: float = 0.0
    width_px: int = 960
    height_px: int = 540
    focal_px: float = 750.0


class Scene(msgspec.Struct, frozen=True):
    """All of it."""

    camera: Camera
    boxes: tuple[Box, ...]
    stickers: tuple[Sticker, ...]


class Load(msgspec.Struct, frozen=True):
    """A pallet: its label's marker, its goods' height and colour. `modules` are a matrix code instead."""

    label: int = -1
    height_m: float = 1.0
    colour: Colour = (170, 140, 100)
    modules: Modules = ()


def on_front(slot: Slot, x_m: float, z_m: float, behind_m: float, side_m: float, **what: Any) -> Sticker:
    """A sticker that faces out of a slot: its middle `x_m` right of the slot's, `behind_m` its front."""
    site_from_slot = Transform(slot.centre.x_m, slot.centre.y_m, slot.centre.z_m, slot.heading_deg)
    half, y_m = side_m / 2, behind_m - slot.depth_mm / 2000
    corners = tuple(
        _corner(site_from_slot.apply(Point(x_m + right * half, y_m, z_m + up * half)))
        for right, up in ((-1, 1), (1, 1), (1, -1), (-1, -1))
    )
    return msgspec.convert({"corners": corners, **what}, Sticker)


def _corner(point: Point) -> Corner:
    return point.x_m, point.y_m, point.z_m


def back_mark(slot: Slot, marker: int) -> Sticker:
    """The mark that hangs at the back of a slot."""
    return on_front(slot, 0.0, MARK_HEIGHT_M, slot.depth_mm / 1000 - GAP_M, MARK_M, marker=marker)


def placards(rack: Rack) -> list[Sticker]:
    """Marks before the uprights, where nothing hides them."""
    slots = slots_of(rack)
    found, number = [], FIRST_PLACARD
    for slot in slots:
        if slot.level in (1, rack.levels):
            edge_m = -slot.width_mm / 2000
            found.append(on_front(slot, edge_m, 1.2, -GAP_M, PLACARD_M, marker=number))
            number += 1
    return found


def rack_boxes(rack: Rack) -> list[Box]:
    """Uprights, beams and the panel at the back."""
    turn = Transform(rack.x_mm / 1000, rack.y_mm / 1000, 0.0, float(rack.rotation_deg))
    pitch_m, depth_m, level_m = rack.bay_width_mm / 1000, rack.depth_mm / 1000, rack.level_height_mm / 1000
    first_m, width_m = rack.first_level_mm / 1000, rack.bays * rack.bay_width_mm / 1000
    top_m = first_m + rack.levels * level_m

    def box(x_m: float, y_m: float, z_m: float, size: tuple[float, float, float], colour: Colour) -> Box:
        at = turn.apply(Point(x_m, y_m, z_m))
        return Box(at.x_m, at.y_m, at.z_m, *size, colour, float(rack.rotation_deg))

    uprights = [
        box(bay * pitch_m, y_m, 0.0, (0.1, 0.08, top_m), STEEL)
        for bay in range(rack.bays + 1)
        for y_m in (0.04, depth_m - 0.04)
    ]
    beams = [
        box(width_m / 2, y_m, first_m + level * level_m - BEAM_M, (width_m, 0.05, BEAM_M), ORANGE)
        for level in range(rack.levels)
        for y_m in (0.03, depth_m - 0.06)
    ]
    return [*uprights, *beams, box(width_m / 2, depth_m + 0.02, 0.0, (width_m, 0.02, top_m), WALL)]


def pallet(slot: Slot, load: Load) -> tuple[list[Box], list[Sticker]]:
    """A pallet that stands in a slot, and what sticks on its front."""
    at, heading = slot.centre, slot.heading_deg
    width_m, depth_m, base_m = PALLET_M
    width_m = min(width_m, slot.width_mm / 1000 - AIR_M)
    base = Box(at.x_m, at.y_m, at.z_m, width_m, depth_m, base_m, WOOD, heading)
    goods_size = width_m - 0.05, depth_m - 0.05, load.height_m
    goods = Box(at.x_m, at.y_m, at.z_m + base_m, *goods_size, load.colour, heading)
    front_m = (slot.depth_mm / 1000 - depth_m + 0.05) / 2 - GAP_M
    label_z_m = base_m + min(0.35, load.height_m / 2)
    stickers = []
    if load.modules:
        stickers.append(on_front(slot, 0.0, label_z_m, front_m, CODE_M, modules=load.modules))
    elif load.label >= 0:
        stickers.append(on_front(slot, width_m / 6, label_z_m, front_m, LABEL_M, marker=load.label))
    return [base, goods], stickers


def rack_scene(
    rack: Rack,
    loads: Mapping[str, Load],
    camera: Camera,
    *,
    marks: Mapping[str, int] | None = None,
    more: Iterable[Box] = (),
) -> Scene:
    """A rack with pallets in some of its slots. `marks` are the markers at the back of slots, by slot."""
    boxes, stickers = [*rack_boxes(rack), *more], placards(rack)
    for slot in slots_of(rack):
        if marks and slot.slot_id in marks:
            stickers.append(back_mark(slot, marks[slot.slot_id]))
        if slot.slot_id in loads:
            stood, stuck = pallet(slot, loads[slot.slot_id])
            boxes += stood
            stickers += stuck
    ground = Box(camera.x_m, camera.y_m, -0.02, 60.0, 60.0, 0.02, FLOOR)
    return Scene(camera, (ground, *boxes), tuple(stickers))


def gate_scene(plate: Modules, camera: Camera) -> Scene:
    """A truck at a gate, its front at y = 0 and to the camera, which is north of it."""
    ground = Box(camera.x_m, camera.y_m, -0.02, 60.0, 60.0, 0.02, FLOOR)
    cab = Box(0.0, -1.1, 0.6, 2.4, 2.2, 2.4, (190, 40, 40))
    window = Box(0.0, -0.02, 1.7, 2.1, 0.1, 1.0, (40, 50, 60))
    bumper = Box(0.0, -0.1, 0.35, 2.4, 0.3, 0.45, (90, 90, 95))
    trailer = Box(0.0, -8.5, 1.0, 2.5, 12.0, 2.9, (225, 225, 220))
    half_m, low_m, y_m = PLATE_M[0] / 2, 0.45, 0.05 + GAP_M
    high_m = low_m + PLATE_M[1]
    # Whoever looks south has west on the right.
    corners = (half_m, y_m, high_m), (-half_m, y_m, high_m), (-half_m, y_m, low_m), (half_m, y_m, low_m)
    return Scene(camera, (ground, cab, window, bumper, trailer), (Sticker(corners, modules=plate),))


def mark_middle(sticker: Sticker) -> Corner:
    """Where the middle of a sticker is."""
    x, y, z = (sum(corner[axis] for corner in sticker.corners) / 4 for axis in range(3))
    return x, y, z


def looking_at(x_m: float, y_m: float, z_m: float, at: Corner) -> tuple[float, float]:
    """Pan and tilt of a camera at (x, y, z) that looks at a point."""
    dx, dy, dz = at[0] - x_m, at[1] - y_m, at[2] - z_m
    return math.degrees(math.atan2(dy, dx)), math.degrees(math.atan2(-dz, math.hypot(dx, dy)))
