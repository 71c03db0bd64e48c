"""What a warehouse's cameras have before them, out of its world: a stretch of a rack with the pallets that
really stand there, and a truck at a gate."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import matplotlib as mpl
import msgspec
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kernel.layout import Rack, slots_of
from kernel.rng import Rng
from simulators.protocols.camera.scene import (
    Camera,
    Load,
    Modules,
    Scene,
    gate_scene,
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
