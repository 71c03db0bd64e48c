"""What a warehouse's cameras have before them, out of its world: a stretch of a rack with the pallets that
really stand there, and a truck at a gate."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import matplotlib as mpl
import msgspec
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kernel.layout import Rack, slots_of
from kernel.rng import Rng
from simulators.protocols.camera.scene import (
    MARK_M,
    PLACARD_M,
    Camera,
    Corner,
    Load,
    Modules,
    Scene,
    back_mark,
    gate_scene,
    mark_middle,
    placards,
    rack_scene,
)
from simulators.sites.warehouse import Codes
from simulators.world.warehouse.places import Places, layout_of
from simulators.world.warehouse.state import Warehouse

FONTS: Final = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc",
)
"""The first that is there draws plates; without one a province is a box."""
PLATE_PX: Final = (220, 70)


def stretch(world: Warehouse, rack_id: str, bays: int, levels: int) -> Rack:
    """The first bays and lowest levels of a rack; its slots are called as those of the whole rack."""
    [rack] = [rack for rack in layout_of(world.parameters).racks if rack.rack_id == rack_id]
    return msgspec.structs.replace(rack, bays=bays, levels=levels)


def loads_of(world: Warehouse, places: Places, rack: Rack, codes: Codes) -> dict[str, Load]:
    """The pallets that stand in the rack's slots, each with its SSCC as a matrix code on its front."""
    loads = {}
    for slot in slots_of(rack):
        pallet = int(world.pallet_at[places.number_of[slot.slot_id]])
        if pallet >= 0:
            draw = Rng(pallet).child("looks").numpy
            red, green, blue = draw.integers(60, 200, 3).tolist()
            height_m = float(draw.uniform(0.6, 1.3))
            modules = matrix_code(f"00{codes.sscc(pallet)}")
            loads[slot.slot_id] = Load(height_m=height_m, colour=(red, green, blue), modules=modules)
    return loads


def aisle_scene(world: Warehouse, places: Places, rack: Rack, codes: Codes, camera: Camera) -> Scene:
    """What a camera sees of a rack; each slot's mark is its number in the rack."""
    marks = {slot.slot_id: number for number, slot in enumerate(slots_of(rack))}
    return rack_scene(rack, loads_of(world, places, rack, codes), camera, marks=marks)


def truck_scene(plate: str, camera: Camera) -> Scene:
    """A truck at a gate, with its plate."""
    return gate_scene(plate_modules(plate), camera)


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


def matrix_code(text: str) -> Modules:
    """A QR code, drawn by OpenCV."""
    drawn = cv2.QRCodeEncoder.create().encode(text)
    dark = np.asarray(drawn) < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return _rows(dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def plate_modules(text: str) -> Modules:
    """A number plate, black on white."""
    page = Image.new("L", PLATE_PX, 255)
    ImageDraw.Draw(page).text((PLATE_PX[0] / 2, PLATE_PX[1] / 2), text, fill=0, font=_font(text), anchor="mm")
    return _rows(np.asarray(page) < 128)


def _font(text: str) -> ImageFont.FreeTypeFont:
    own = Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans-Bold.ttf"
    known = [path for path in FONTS if not text.isascii() and Path(path).exists()]
    return ImageFont.truetype([*known, str(own)][0], 40)


def _rows(dark: Sequence[Sequence[bool]] | np.ndarray) -> Modules:
    return tuple(tuple(bool(module) for module in row) for row in dark)
