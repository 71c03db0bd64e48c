"""JPEGs that are not ours: a photograph, and small pictures of several encoders."""

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pyvista
from PIL import Image

PHOTOGRAPH = Path(mpl.get_data_path()) / "sample_data/grace_hopper.jpg"
"""Commodore Hopper's official portrait, 1984 (public domain), as it came from a photo editor."""


def a_picture(width: int = 96, height: int = 64) -> np.ndarray:
    """Something with edges and a little noise."""
    y, x = np.mgrid[:height, :width]
    draw = np.random.default_rng(5).normal(0, 4, (height, width, 3))
    base = np.stack([x * 255 / width, y * 255 / height, (x // 8 + y // 8) % 2 * 200], axis=-1)
    return np.clip(base + draw, 0, 255).astype(np.uint8)


def by_pillow(mode: str = "RGB", **how: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(a_picture()).convert(mode).save(out, "JPEG", **how)
    return out.getvalue()


def by_vtk() -> bytes:
    """The encoder of VTK."""
    from vtkmodules.vtkIOImage import vtkJPEGWriter

    writer: Any = vtkJPEGWriter()
    grid: Any = pyvista.ImageData(dimensions=(96, 64, 1))
    grid.point_data["rgb"] = a_picture()[::-1].reshape(-1, 3)
    writer.SetInputData(grid)
    writer.WriteToMemoryOn()
    writer.Write()
    return bytes(np.asarray(pyvista.convert_array(writer.GetResult())).tobytes())


def with_frame(jpeg: bytes, at: int, value: bytes) -> bytes:
    """A JPEG whose frame header is changed: `at` counts from the first byte after its length."""
    start = next(jpeg.index(b"\xff" + bytes([sof])) for sof in (0xC0, 0xC2) if b"\xff" + bytes([sof]) in jpeg)
    place = start + 4 + at
    return jpeg[:place] + value + jpeg[place + len(value) :]
