"""What one picture shows of the slots in view, by their marks. Pure.

At the back of each slot hangs a mark (AprilTag, family 36h11: no two members differ in fewer than 11 bits).
Whoever sees the mark sees through the slot: it is empty. A mark that is hidden by something lit that stands
still, while the placards around are read, says that the slot is occupied; so does a pallet's own label before
it. Everything else is unclear: dark, dazzled, in motion, or not seen well.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import cv2
import msgspec
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from devices.transport.view import Mark, View, project
from kernel.messages import CodeSight

FAMILY: Final = "apriltag_36h11"
MARK_SIDE_PX_MIN: Final = 14.0
"""Of the black square: below it a mark that is there is missed too often to say that it is hidden."""
CORRECTION_RATE: Final = 0.2
"""Share of the correctable bits that are corrected; the rest guards against marks that are none."""
NEAR_SHARE: Final = 0.7
"""A mark may be off its place by this share of its side, once the camera's own shift is taken out."""
SHIFT_SHARE_MAX: Final = 0.02
"""Of the picture's width: placards that are off by more say that the camera was moved."""
DARK_LEVEL: Final = 14.0
"""A picture whose mean grey is below it shows nothing."""
PATCH_LEVELS: Final = (8.0, 245.0)
"""Between these the mean of a hidden mark's place must lie; a shadow and a glare hide it too."""
FRONT_SHARE: Final = 0.95
"""Of a slot's front, what uprights and beams leave free."""
WHITE_LEVEL, GAIN_MAX = 200.0, 8.0
MOTION_LEVELS: Final = 9.0
"""Mean change between two looks, after a change of light was taken out, from which a place is in motion."""
PATCH_PX: Final = 16
NEIGHBOURS: Final = 4
"""Of the placards nearest to a slot, one at least must be read."""
SYMBOLOGIES: Final = {
    zxingcpp.BarcodeFormat.QRCode: "qr",
    zxingcpp.BarcodeFormat.DataMatrix: "datamatrix",
    zxingcpp.BarcodeFormat.Code128: "code128",
    zxingcpp.BarcodeFormat.ITF: "itf14",
    zxingcpp.BarcodeFormat.EAN13: "ean13",
}

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]
Verdict = Literal["occupied", "empty", "unclear"]


class Found(msgspec.Struct, frozen=True):
    """A mark or a code in the picture, by the middle of it."""

    code: str
    symbology: str
    x_px: float
    y_px: float


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture shows. `shift_px` is how far its placards are off, None when none was read."""

    verdicts: tuple[Verdict, ...] = ()
    codes: tuple[CodeSight, ...] = ()
    loose_count: int = 0
    """Labels of pallets that stand in no slot of the view."""
    shift_px: float | None = None
    trouble: str = ""


_FAMILY_DICTIONARY: Any = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)


def _detector() -> Any:
    parameters: Any = cv2.aruco.DetectorParameters()
    parameters.errorCorrectionRate = CORRECTION_RATE
    return cv2.aruco.ArucoDetector(_FAMILY_DICTIONARY, parameters)


_FORMATS: Any = list(SYMBOLOGIES)


def brightened(grey: Grey) -> Grey:
    """A dim picture with its whites made white: readers of marks take a difference of few levels for none."""
    whitest = float(np.quantile(grey[::4, ::4], 0.995))
    if whitest >= WHITE_LEVEL:
        return grey
    gain = min(GAIN_MAX, WHITE_LEVEL / max(1.0, whitest))
    bright: Grey = np.clip(grey * gain, 0, 255).astype(np.uint8)
    return bright


def find_marks(grey: Grey) -> list[tuple[int, Floats]]:
    """Every mark of the family with its corners (4, 2) in pixels."""
    corners, markers, _ = _detector().detectMarkers(grey)
    if markers is None:
        return []
    return [
        (int(marker), np.asarray(each, dtype=np.float64).reshape(4, 2))
        for marker, each in zip(markers.ravel(), corners, strict=True)
    ]


def find_codes(grey: Grey) -> list[Found]:
    """Barcodes and matrix codes, read by zxing; one that says it is GS1's is called so."""
    found = []
    for code in zxingcpp.read_barcodes(grey, formats=_FORMATS):
        place = code.position
        corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        x_px, y_px = (sum(getattr(corner, axis) for corner in corners) / 4 for axis in ("x", "y"))
        name = next((name for kind, name in SYMBOLOGIES.items() if kind == code.format), "other")
        if code.content_type == zxingcpp.ContentType.GS1:
            name = {"code128": "gs1-128"}.get(name, f"gs1-{name}")
        found.append(Found(code.text, name, x_px, y_px))
    return found


class Looker:
    """Looks at pictures through one view, one after the other. What is hidden must stay so for `settle`."""

    def __init__(self, view: View, settle: timedelta, *, reads_codes: bool = True) -> None:
        self._view, self._settle, self._reads_codes = view, settle, reads_codes
        slot_marks = [slot.mark for slot in view.slots]
        self._fixed = {mark.marker for mark in (*view.marks, *slot_marks) if mark is not None}
        self._mark_px, self._side_px = _places(view, slot_marks)
        self._placard_px, self._placard_side_px = _places(view, view.marks)
        self._near = _nearest(self._mark_px, self._placard_px)
        self._is_open = _seen_through_front(view, self._mark_px, self._side_px)
        self._hidden_since: dict[int, datetime] = {}
        self._before: Grey | None = None

    def look(self, grey: Grey, at: datetime) -> Looked:
        """What the picture shows. `at` must not go back."""
        before, self._before = self._before, grey
        bright = brightened(grey)
        found = find_marks(bright)
        labels = [
            Found(str(marker), FAMILY, *corners.mean(axis=0).tolist())
            for marker, corners in found
            if marker not in self._fixed
        ]
        codes = labels + (find_codes(bright) if self._reads_codes else [])
        seen = {marker: corners.mean(axis=0) for marker, corners in found}
        read = [number for number, mark in enumerate(self._view.marks) if mark.marker in seen]
        offsets = [seen[self._view.marks[number].marker] - self._placard_px[number] for number in read]
        shift = np.median(offsets, axis=0) if offsets else np.zeros(2)
        shift_px = float(np.hypot(*shift)) if offsets else None
        slots = self._view.slots_at_pixels(
            np.array([(each.x_px, each.y_px) for each in codes]).reshape(-1, 2)
        )
        trouble = self._trouble(grey, shift_px)
        verdicts: list[Verdict] = ["unclear"] * len(self._view.slots)
        if trouble:
            self._hidden_since.clear()
        else:
            labelled = {slot for slot in slots[: len(labels)] if slot >= 0}
            placards = set(read)
            for number in range(len(verdicts)):
                verdicts[number] = self._verdict(number, grey, before, seen, shift, labelled, placards, at)
        return Looked(
            verdicts=tuple(verdicts),
            codes=tuple(self._sight(code, slot) for code, slot in zip(codes, slots, strict=True)),
            loose_count=sum(slot < 0 for slot in slots[: len(labels)]),
            shift_px=shift_px,
            trouble=trouble,
        )

    def _sight(self, code: Found, slot: int) -> CodeSight:
        return CodeSight(
            code=code.code,
            symbology=code.symbology,
            x_px=max(0, round(code.x_px)),
            y_px=max(0, round(code.y_px)),
            slot_id=None if slot < 0 else self._view.slot_ids[slot],
        )

    def _trouble(self, grey: Grey, shift_px: float | None) -> str:
        if not self._view.marks:
            return ""
        if shift_px is None:
            return "no placard is read: covered, blurred or turned away"
        if shift_px > SHIFT_SHARE_MAX * grey.shape[1]:
            return f"the camera was moved: placards are {shift_px:.0f} pixels off their places"
        return ""

    def _verdict(
        self,
        number: int,
        grey: Grey,
        before: Grey | None,
        seen: Mapping[int, Floats],
        shift: Floats,
        labelled: set[int],
        placards: set[int],
        at: datetime,
    ) -> Verdict:
        mark, side_px = self._view.slots[number].mark, float(self._side_px[number])
        place = self._mark_px[number] + shift
        is_shown = (
            mark is not None
            and mark.marker in seen
            and float(np.hypot(*(seen[mark.marker] - place))) <= NEAR_SHARE * side_px
        )
        if number in labelled or is_shown:
            self._hidden_since.pop(number, None)
            return "unclear" if number in labelled and is_shown else ("empty" if is_shown else "occupied")
        can_tell = (
            mark is not None
            and side_px >= MARK_SIDE_PX_MIN
            and self._is_open[number]
            and any(near in placards for near in self._near[number])
            and _stands_still(grey, before, place, side_px)
        )
        if not can_tell:
            self._hidden_since.pop(number, None)
            return "unclear"
        since = self._hidden_since.setdefault(number, at)
        return "occupied" if at - since >= self._settle else "unclear"


def _places(view: View, marks: Sequence[Mark | None]) -> tuple[Floats, Floats]:
    """The middle of each mark in the picture, and how many pixels its square is wide; NaN for none."""
    lens = view.lens
    if lens is None or not marks:
        return np.full((len(marks), 2), np.nan), np.zeros(len(marks))
    points = np.array([(m.x_m, m.y_m, m.z_m) if m is not None else (np.nan,) * 3 for m in marks])
    away = np.linalg.norm(points - np.array([lens.x_m, lens.y_m, lens.z_m]), axis=1)
    sizes = np.array([m.size_m if m is not None else 0.0 for m in marks])
    return project(lens, points), np.nan_to_num(sizes * lens.fx_px / away)


def _seen_through_front(view: View, places: Floats, sides: Floats) -> list[bool]:
    """Whether the way from the camera to each slot's mark goes through its own front, clear of the edges:
    else it is a neighbour, an upright or a beam that may hide the mark."""
    middles = view.front_px.mean(axis=1, keepdims=True)
    within = middles + (view.front_px - middles) * FRONT_SHARE
    found = []
    for front, place, side in zip(within, places, sides, strict=True):
        if not (np.isfinite(front).all() and np.isfinite(place).all()):
            found.append(False)
            continue
        corners = place + np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * side / 2
        contour = front.astype(np.float32).reshape(-1, 1, 2)
        away = [cv2.pointPolygonTest(contour, (float(x), float(y)), False) for x, y in corners]
        found.append(min(away) >= 0)
    return found


def _nearest(places: Floats, placards: Floats) -> list[list[int]]:
    """The placards nearest to each place."""
    if not len(placards):
        return [[] for _ in places]
    away = ((places[:, None, :] - placards[None]) ** 2).sum(axis=2)
    return [[int(each) for each in row[:NEIGHBOURS]] for row in np.argsort(away, axis=1)]


def _stands_still(grey: Grey, before: Grey | None, place: Floats, side_px: float) -> bool:
    """Whether what is seen at a mark's place is lit, not dazzled, and as it was at the look before."""
    now = _patch(grey, place, side_px)
    if now is None or not PATCH_LEVELS[0] <= float(now.mean()) <= PATCH_LEVELS[1]:
        return False
    then = None if before is None or before.shape != grey.shape else _patch(before, place, side_px)
    if then is None:
        return False
    change = (now - now.mean()) - (then - then.mean())
    return float(np.abs(change).mean()) <= MOTION_LEVELS


def _patch(grey: Grey, place: Floats, side_px: float) -> Floats | None:
    """What is seen at a place, made small so that noise weighs little; None outside of the picture."""
    if not np.isfinite(place).all():
        return None
    half = max(2.0, side_px / 2)
    left, top = round(float(place[0] - half)), round(float(place[1] - half))
    right, bottom = round(float(place[0] + half)), round(float(place[1] + half))
    if left < 0 or top < 0 or right >= grey.shape[1] or bottom >= grey.shape[0]:
        return None
    cut = grey[top : bottom + 1, left : right + 1]
    small: Floats = cv2.resize(cut, (PATCH_PX // 2, PATCH_PX // 2), interpolation=cv2.INTER_AREA).astype(
        np.float64
    )
    return small
