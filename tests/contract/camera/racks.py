"""A rack before a camera, for tests: the scene that is painted, and the view that somebody measured."""

from collections.abc import Mapping

import msgspec

from kernel.layout import Rack, Slot, slots_of
from simulators.protocols.camera.scene import (
    Box,
    Camera,
    Load,
    Scene,
    looking_at,
    rack_scene,
)
from simulators.sites.views import view_of

RACK = Rack(rack_id="A01", zone_id="hall", x_mm=0, y_mm=0, bays=4, levels=3)
SLOTS: list[Slot] = slots_of(RACK)
MARKS = {slot.slot_id: number for number, slot in enumerate(SLOTS)}
FIRST_LABEL = 100
_PLACE = (2.8, -7.5, 2.6)
CAMERA = Camera(*_PLACE, *looking_at(*_PLACE, (2.8, 0.0, 2.4)))
SMALL = msgspec.structs.replace(CAMERA, width_px=640, height_px=360, focal_px=500.0)


def a_scene(loads: Mapping[str, Load], camera: Camera = CAMERA, *, more: tuple[Box, ...] = ()) -> Scene:
    """The rack with these pallets in it."""
    return rack_scene(RACK, loads, camera, marks=MARKS, more=more)


def a_load(number: int, height_m: float = 1.0, *, has_label: bool = True) -> Load:
    return Load(
        label=FIRST_LABEL + number if has_label else -1,
        height_m=height_m,
        colour=(90 + 37 * number % 120, 70 + 53 * number % 120, 60 + 71 * number % 120),
    )


def the_view(camera: Camera = CAMERA) -> str:
    """The view of the rack of these tests."""
    return view_of(RACK, camera)
