"""What somebody writes down who has measured where a camera hangs, what it sees and where marks are."""

import json
from typing import Any

from kernel.layout import Rack, Slot, slots_of
from simulators.protocols.camera.scene import (
    MARK_M,
    PLACARD_M,
    Camera,
    Corner,
    back_mark,
    mark_middle,
    placards,
)


def measured(slot: Slot) -> dict[str, Any]:
    """A slot in a camera's view, in metres of the site."""
    return {
        "slot_id": slot.slot_id,
        "x_m": slot.centre.x_m,
        "y_m": slot.centre.y_m,
        "z_m": slot.centre.z_m,
        "width_m": slot.width_mm / 1000,
        "depth_m": slot.depth_mm / 1000,
        "height_m": slot.height_mm / 1000,
        "heading_deg": slot.heading_deg,
    }


def view_of(rack: Rack, camera: Camera) -> str:
    """What somebody writes down who has measured where the camera hangs, the slots and their marks."""
    slots = [
        {
            **measured(slot),
            "mark": _mark(number, mark_middle(back_mark(slot, 0)), MARK_M),
        }
        for number, slot in enumerate(slots_of(rack))
    ]
    marks = [_mark(sticker.marker, mark_middle(sticker), PLACARD_M) for sticker in placards(rack)]
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


def _mark(marker: int, at: Corner, size_m: float) -> dict[str, Any]:
    return {"marker": marker, "x_m": at[0], "y_m": at[1], "z_m": at[2], "size_m": size_m}
