"""A rack before a camera, for tests: the scene that is painted, and the view that somebody measured."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from kernel.layout import Rack, Slot, slots_of
from simulators.protocols.camera.scene import (
    Box,
    Camera,
    Load,
    Scene,
    back_mark,
    looking_at,
    mark_middle,
    placards,
    rack_scene,
)

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


def view_of(rack: Rack, camera: Camera) -> str:
    """What somebody writes down who has measured where the camera hangs, the slots and their marks."""
    slots = [
        {
            "slot_id": slot.slot_id,
            "x_m": slot.centre.x_m,
            "y_m": slot.centre.y_m,
            "z_m": slot.centre.z_m,
            "width_m": slot.width_mm / 1000,
            "depth_m": slot.depth_mm / 1000,
            "height_m": slot.height_mm / 1000,
            "heading_deg": slot.heading_deg,
            "mark": _mark(number, mark_middle(back_mark(slot, 0)), 0.30),
        }
        for number, slot in enumerate(slots_of(rack))
    ]
    marks = [_mark(sticker.marker, mark_middle(sticker), 0.24) for sticker in placards(rack)]
    lens = {
        "width_px": camera.width_px,
        "height_px": camera.height_px,
        "fx_px": camera.focal_px,
        "fy_px": camera.focal_px,
        "cx_px": (camera.width_px - 1) / 2,
        "cy_px": (camera.height_px - 1) / 2,
        "x_m": camera.x_m,
        "y_m": camera.y_m,
        "z_m": camera.z_m,
        "pan_deg": camera.pan_deg,
        "tilt_deg": camera.tilt_deg,
        "roll_deg": camera.roll_deg,
    }
    return json.dumps({"slots": slots, "marks": marks, "lens": lens})


def _mark(marker: int, at: tuple[float, float, float], size_m: float) -> dict[str, Any]:
    return {"marker": marker, "x_m": at[0], "y_m": at[1], "z_m": at[2], "size_m": size_m}
