"""What a camera looks at: the slots it sees, where each lies in its picture, and what marks them. Pure.

A view is written when a camera is calibrated, as JSON, and is a parameter of its device:

    {"slots": [{"slot_id": "A01-01-1", "x_m": 1.0, "y_m": 2.0, "z_m": 0.15, "width_m": 1.4, "depth_m": 1.1,
                "height_m": 1.6, "heading_deg": 90, "mark": {"marker": 17, "x_m": …, "y_m": …, "z_m": …}}],
     "marks": [{"marker": 3, "x_m": …, "y_m": …, "z_m": …}],
     "lens": {"width_px": 1280, "height_px": 720, "fx_px": …, "fy_px": …, "cx_px": …, "cy_px": …,
              "x_m": …, "y_m": …, "z_m": …, "pan_deg": 90, "tilt_deg": 10, "roll_deg": 0},
     "origin": {"latitude_deg": …, "longitude_deg": …}}

A slot is a box whose floor's middle is (x, y, z) in the site's frame; its front faces -y of its own frame,
which is turned by `heading_deg`. A slot's `mark` hangs at its back and is hidden by what stands in it;
`marks` are those that nothing hides. `lens` is there for a camera whose pixels are looked at or that tells
boxes in its picture, `origin` for one that tells places on earth.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.transport.decoding import FieldRejected
from kernel.geometry import Origin, Point, site_from_wgs84

VIEW_BYTES_MAX: Final = 1_048_576
SLOTS_MAX: Final = 2_000
MARKS_MAX: Final = 200
SIDE_PX_MAX: Final = 8_192
SLACK_M: Final = 0.25
"""How far outside of a slot's box the middle of what stands in it may be told."""
PLACES_REMEMBERED_MAX: Final = 50_000
"""What stands still is told at the same place again and again."""
_AT_ONCE: Final = 50
_AFFINE_DEG: Final = 1e-3
"""About 100 m: the step from which the map from degrees to metres is taken."""

Floats = NDArray[np.float64]
Place = tuple[float, float, float]
"""Longitude and latitude in degrees of WGS 84, height above the ellipsoid in metres."""
Metres = Annotated[float, msgspec.Meta(ge=-100_000, le=100_000)]
Size = Annotated[float, msgspec.Meta(gt=0, le=100)]
Degrees = Annotated[float, msgspec.Meta(ge=-360, le=360)]
Pixels = Annotated[int, msgspec.Meta(ge=16, le=SIDE_PX_MAX)]
Focal = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
Share = Annotated[float, msgspec.Meta(ge=-10, le=10)]
Marker = Annotated[int, msgspec.Meta(ge=0, le=586)]
"""Tag family 36h11 has 587 members."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the view. A misspelt key is refused."""


class Mark(_Part, frozen=True, kw_only=True):
    """A marker of the family 36h11, where its middle is, and how wide its black square."""

    marker: Marker
    x_m: Metres
    y_m: Metres
    z_m: Metres
    size_m: Size = 0.3


class ViewSlot(_Part, frozen=True, kw_only=True):
    """A slot that the camera sees."""

    slot_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    x_m: Metres
    y_m: Metres
    z_m: Metres
    width_m: Size
    depth_m: Size
    height_m: Size
    heading_deg: Degrees = 0.0
    mark: Mark | None = None


class Lens(_Part, frozen=True, kw_only=True):
    """Where the camera hangs, which way it looks, and how it draws: a pinhole with Brown's distortion.

    `pan_deg` turns anticlockwise from the site's x axis, `tilt_deg` is down, `roll_deg` clockwise as the
    camera looks. Pixels are from the middle of the upper left one, x right, y down.
    """

    width_px: Pixels
    height_px: Pixels
    fx_px: Focal
    fy_px: Focal
    cx_px: Metres
    cy_px: Metres
    x_m: Metres
    y_m: Metres
    z_m: Metres
    pan_deg: Degrees
    tilt_deg: Degrees = 0.0
    roll_deg: Degrees = 0.0
    k1: Share = 0.0
    k2: Share = 0.0
    p1: Share = 0.0
    p2: Share = 0.0
    k3: Share = 0.0


class _Written(_Part, frozen=True, kw_only=True):
    slots: tuple[ViewSlot, ...] = ()
    marks: tuple[Mark, ...] = ()
    lens: Lens | None = None
    origin: Origin | None = None


_written = msgspec.json.Decoder(_Written)


def camera_from_site(lens: Lens) -> Floats:
    """The rotation as a matrix: rows are right, down and forward of the camera in the site's frame."""
    pan, tilt, roll = (math.radians(angle) for angle in (lens.pan_deg, lens.tilt_deg, lens.roll_deg))
    forward = np.array([math.cos(tilt) * math.cos(pan), math.cos(tilt) * math.sin(pan), -math.sin(tilt)])
    level = np.array([math.sin(pan), -math.cos(pan), 0.0])
    plumb = np.cross(forward, level)
    right = math.cos(roll) * level + math.sin(roll) * plumb
    return np.array([right, np.cross(forward, right), forward])


def project(lens: Lens, points_in_site: Floats) -> Floats:
    """Pixels (n, 2) of points (n, 3); NaN for what lies behind the camera.

    Brown's model with radial k1, k2, k3 and tangential p1, p2, as in the OpenCV documentation, "Camera
    Calibration and 3D Reconstruction".
    """
    away = (points_in_site - np.array([lens.x_m, lens.y_m, lens.z_m])) @ camera_from_site(lens).T
    depth = np.where(away[:, 2] > 0.01, away[:, 2], np.nan)
    x, y = away[:, 0] / depth, away[:, 1] / depth
    square = x * x + y * y
    radial = 1 + square * (lens.k1 + square * (lens.k2 + square * lens.k3))
    bent_x = x * radial + 2 * lens.p1 * x * y + lens.p2 * (square + 2 * x * x)
    bent_y = y * radial + lens.p1 * (square + 2 * y * y) + 2 * lens.p2 * x * y
    return np.stack([lens.fx_px * bent_x + lens.cx_px, lens.fy_px * bent_y + lens.cy_px], axis=1)


class View:
    """A view that keeps its rules, with what follows from it for every picture."""

    def __init__(self, written: _Written) -> None:
        self.slots, self.marks, self.lens = written.slots, written.marks, written.lens
        self.slot_ids = tuple(slot.slot_id for slot in self.slots)
        self._origin = written.origin
        self._size_m = np.array([(slot.width_m, slot.depth_m, slot.height_m) for slot in self.slots]).reshape(
            -1, 3
        )
        self._floor_m = np.array([(slot.x_m, slot.y_m, slot.z_m) for slot in self.slots]).reshape(-1, 3)
        self._middle_m = self._floor_m + self._size_m * np.array([0.0, 0.0, 0.5])
        turn = np.radians([slot.heading_deg for slot in self.slots])
        self._cos, self._sin = np.cos(turn), np.sin(turn)
        self.front_px = self._fronts()
        self._slot_at: dict[Place, int] = {}
        self._degrees, self._metres_a_degree, self._at_origin_m = self._earth()

    @classmethod
    def empty(cls) -> "View":
        """The view of a camera that was not calibrated."""
        return cls(_Written())

    @property
    def has_places(self) -> bool:
        """Whether it can be told where on earth something is."""
        return self._origin is not None

    def _fronts(self) -> Floats:
        """The corners (n, 4, 2) of each slot's front: lower left, lower right, upper right, upper left."""
        if self.lens is None:
            return np.full((len(self.slots), 4, 2), np.nan)
        corners = np.array([(-0.5, -0.5, 0.0), (0.5, -0.5, 0.0), (0.5, -0.5, 1.0), (-0.5, -0.5, 1.0)])
        local = self._size_m[:, None, :] * corners[None]
        points = np.stack(
            [
                local[..., 0] * self._cos[:, None] - local[..., 1] * self._sin[:, None],
                local[..., 0] * self._sin[:, None] + local[..., 1] * self._cos[:, None],
                local[..., 2],
            ],
            axis=-1,
        )
        inside = points + self._floor_m[:, None, :]
        return project(self.lens, inside.reshape(-1, 3)).reshape(-1, 4, 2)

    def slots_at_pixels(self, pixels: Floats) -> list[int]:
        """For each pixel (n, 2) the number of the slot in whose front it lies, -1 for none. Where fronts
        overlap, the one whose middle is nearer."""
        if not len(self.slots) or not len(pixels):
            return [-1] * len(pixels)
        inside = np.ones((len(pixels), len(self.slots)), dtype=bool)
        for corner in range(4):
            a, b = self.front_px[:, corner], self.front_px[:, (corner + 1) % 4]
            edge, to = b - a, pixels[:, None, :] - a[None]
            # Corners run anticlockwise as seen, and y is down: inside lies where this is not positive.
            inside &= edge[None, :, 0] * to[..., 1] - edge[None, :, 1] * to[..., 0] <= 0
        away = ((pixels[:, None, :] - self.front_px.mean(axis=1)[None]) ** 2).sum(axis=2)
        nearest = np.where(inside, away, np.inf)
        best = nearest.argmin(axis=1)
        return [int(slot) if np.isfinite(nearest[n, slot]) else -1 for n, slot in enumerate(best)]

    def slots_at_places(self, places: Sequence[Place]) -> list[int]:
        """For each place the number of the slot that it lies in or next to, -1 for none."""
        if not self.slots:
            return [-1] * len(places)
        known = self._slot_at
        if len(known) > PLACES_REMEMBERED_MAX:
            known.clear()
        fresh = list(dict.fromkeys(place for place in places if place not in known))
        for start in range(0, len(fresh), _AT_ONCE):
            some = fresh[start : start + _AT_ONCE]
            known.update(zip(some, self._nearest(np.array(some)), strict=True))
        return [known[place] for place in places]

    def _nearest(self, places: Floats) -> list[int]:
        points = np.empty_like(places)
        points[:, :2] = (places[:, :2] - self._degrees[:2]) @ self._metres_a_degree + self._at_origin_m
        points[:, 2] = places[:, 2] - self._degrees[2]
        best = ((points[:, None, :] - self._middle_m[None]) ** 2).sum(axis=2).argmin(axis=1)
        off = points - self._middle_m[best]
        cos, sin = self._cos[best], self._sin[best]
        turned = np.stack([off[:, 0] * cos + off[:, 1] * sin, off[:, 1] * cos - off[:, 0] * sin, off[:, 2]])
        is_in = (np.abs(turned.T) <= self._size_m[best] / 2 + SLACK_M).all(axis=1)
        return [int(slot) if found else -1 for slot, found in zip(best, is_in, strict=True)]

    def _earth(self) -> tuple[Floats, Floats, Floats]:
        """Where degrees begin, and metres east and north for each: straight lines about the middle of the
        slots, which leave the truth by less than 2 cm within 500 m."""
        origin = self._origin
        if origin is None or not len(self.slots):
            return np.zeros(3), np.eye(2), np.zeros(2)
        here = np.array([origin.longitude_deg, origin.latitude_deg, origin.height_m])

        def metres(longitude_deg: float, latitude_deg: float) -> Floats:
            point: Point = site_from_wgs84(origin, latitude_deg, longitude_deg, origin.height_m)
            return np.array([point.x_m, point.y_m])

        at = metres(here[0], here[1])
        east = (metres(here[0] + _AFFINE_DEG, here[1]) - metres(here[0] - _AFFINE_DEG, here[1])) / 2
        north = (metres(here[0], here[1] + _AFFINE_DEG) - metres(here[0], here[1] - _AFFINE_DEG)) / 2
        return here, np.array([east, north]) / _AFFINE_DEG, at


@lru_cache(maxsize=256)
def read_view(text: str) -> View:
    """A view from its JSON. Raises FieldRejected naming what is wrong below `view`."""
    if len(text) > VIEW_BYTES_MAX:
        raise FieldRejected("view", f"at most {VIEW_BYTES_MAX} characters")
    try:
        written = _written.decode(text)
    except msgspec.ValidationError as error:
        rule, _, place = str(error).partition(" - at ")
        raise FieldRejected(place.strip("`").replace("$", "view", 1) or "view", rule) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise FieldRejected("view", "a JSON object") from None
    if len(written.slots) > SLOTS_MAX:
        raise FieldRejected("view.slots", f"at most {SLOTS_MAX}")
    if len(written.marks) > MARKS_MAX:
        raise FieldRejected("view.marks", f"at most {MARKS_MAX}")
    if len({slot.slot_id for slot in written.slots}) < len(written.slots):
        raise FieldRejected("view.slots", "each slot once")
    markers = [mark.marker for mark in written.marks]
    markers += [slot.mark.marker for slot in written.slots if slot.mark is not None]
    if len(set(markers)) < len(markers):
        raise FieldRejected("view.marks", "each marker once")
    return View(written)
