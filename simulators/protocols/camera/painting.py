"""The process that paints scenes off screen with pyvista; run by `painter`.

It is handed scenes and gives PNGs back: four bytes of length, big endian, then msgpack or the picture.
"""

import io
import sys
from typing import Any, Final

import cv2
import msgspec
import numpy as np
import pyvista
from PIL import Image

from simulators.protocols.camera.scene import Box, Camera, Scene, Sticker

_pyvista: Any = pyvista
"""Its types hold back what it takes."""
CELLS: Final = 10
"""A marker of 36h11 is eight modules wide with its black border, and stands on one more of white."""
CELL_PX: Final = 16
WHITE_SHARE: Final = 1 / 8
"""White around the black square, as a share of its side."""


class _Studio:
    """One plotter a picture size; boxes are one mesh and stickers one more, whatever their number."""

    def __init__(self) -> None:
        self._plotters: dict[tuple[int, int], Any] = {}

    def paint(self, scene: Scene) -> bytes:
        out = io.BytesIO()
        Image.fromarray(self._render(scene)).save(out, "PNG", compress_level=1)
        return out.getvalue()

    def _render(self, scene: Scene) -> Any:
        size = scene.camera.width_px, scene.camera.height_px
        plotter = self._plotters.get(size)
        if plotter is None:
            plotter = self._plotters[size] = _pyvista.Plotter(
                off_screen=True, window_size=size, lighting="light kit"
            )
            plotter.set_background((90, 92, 96))
            plotter.camera_set = True  # Else the first picture is framed anew by the plotter.
            plotter.show(auto_close=False)
        plotter.clear_actors()
        plotter.add_mesh(
            self._boxes(scene.boxes), scalars="colour", rgb=True, ambient=0.45, diffuse=0.6, specular=0.0
        )
        if scene.stickers:
            mesh, texture = self._stickers(scene.stickers)
            plotter.add_mesh(mesh, texture=texture, lighting=False)
        _aim(plotter, scene.camera)
        return plotter.screenshot(return_img=True)

    def _boxes(self, boxes: tuple[Box, ...]) -> Any:
        unit = np.array([(x, y, z) for z in (0, 1) for y in (-0.5, 0.5) for x in (-0.5, 0.5)])
        sides = np.array([(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6)])
        points = []
        for box in boxes:
            turn = np.radians(box.heading_deg)
            local = unit * (box.width_m, box.depth_m, box.height_m)
            x = local[:, 0] * np.cos(turn) - local[:, 1] * np.sin(turn) + box.x_m
            y = local[:, 0] * np.sin(turn) + local[:, 1] * np.cos(turn) + box.y_m
            points.append(np.stack([x, y, local[:, 2] + box.z_m], axis=1))
        faces = np.concatenate([sides + 8 * number for number in range(len(boxes))])
        mesh = _pyvista.PolyData.from_regular_faces(np.concatenate(points), faces)
        mesh.cell_data["colour"] = np.repeat([box.colour for box in boxes], 6, axis=0).astype(np.uint8)
        return mesh

    def _stickers(self, stickers: tuple[Sticker, ...]) -> tuple[Any, Any]:
        """A strip of pictures as one texture, and the quads on which they stick, with the white around."""
        side, count = CELLS * CELL_PX, len(stickers)
        strip = np.full((side, side * count, 3), 255, dtype=np.uint8)
        points, places = [], []
        for number, sticker in enumerate(stickers):
            strip[:, number * side : (number + 1) * side] = _printed(sticker)[..., None]
            corners = np.array(sticker.corners)
            middle = corners.mean(axis=0)
            points.append(middle + (corners - middle) * (1 + 2 * WHITE_SHARE))
            left, right = number / count, (number + 1) / count
            places.append([(left, 1), (right, 1), (right, 0), (left, 0)])
        faces = np.arange(4 * count).reshape(-1, 4)[:, ::-1]
        mesh = _pyvista.PolyData.from_regular_faces(np.concatenate(points), faces)
        mesh.active_texture_coordinates = np.concatenate(places).astype(np.float32)
        texture = _pyvista.Texture(strip)
        texture.interpolate = True
        texture.mipmap = True
        return mesh, texture


def _printed(sticker: Sticker) -> Any:
    """A sticker flat, black on white, its white border included."""
    side = CELLS * CELL_PX
    page = np.full((side, side), 255, dtype=np.uint8)
    inner = 8 * CELL_PX
    if sticker.modules:
        drawn = np.where(np.array(sticker.modules), 0, 255).astype(np.uint8)
        square = cv2.resize(drawn, (inner, inner), interpolation=cv2.INTER_NEAREST_EXACT)
    else:
        family = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
        square = cv2.aruco.generateImageMarker(family, sticker.marker, inner)
    page[CELL_PX : CELL_PX + inner, CELL_PX : CELL_PX + inner] = square
    return page


def _aim(plotter: Any, camera: Camera) -> None:

    pan, tilt, roll = (np.radians(angle) for angle in (camera.pan_deg, camera.tilt_deg, camera.roll_deg))
    forward = np.array([np.cos(tilt) * np.cos(pan), np.cos(tilt) * np.sin(pan), -np.sin(tilt)])
    right = np.array([np.sin(pan), -np.cos(pan), 0.0])
    up = np.cross(right, forward)
    place = np.array([camera.x_m, camera.y_m, camera.z_m])
    plotter.camera.position = place
    plotter.camera.focal_point = place + forward
    plotter.camera.up = np.cos(roll) * up + np.sin(roll) * right
    plotter.camera.view_angle = float(np.degrees(2 * np.arctan(camera.height_px / 2 / camera.focal_px)))
    plotter.camera.clipping_range = (0.05, 200.0)
    plotter.render()


def _run() -> None:
    studio, source, sink = _Studio(), sys.stdin.buffer, sys.stdout.buffer
    while len(head := source.read(4)) == 4:
        scene = msgspec.msgpack.decode(source.read(int.from_bytes(head, "big")), type=Scene)
        picture = studio.paint(scene)
        sink.write(len(picture).to_bytes(4, "big") + picture)
        sink.flush()


if __name__ == "__main__":
    _run()
