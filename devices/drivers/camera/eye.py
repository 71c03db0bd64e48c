"""Looks at one picture after the other: decodes it, asks whether it is news, and what it shows.

Takes up to two tenths of a second a picture, most of it outside of Python; the driver calls it in a thread. A
picture is decoded only after its size was read and found bearable.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

import cv2
import msgspec
import numpy as np

from devices.drivers.camera.freshness import Freshness
from devices.drivers.camera.jpeg import picture_size
from devices.drivers.camera.marks import DARK_LEVEL, Grey, Looked, Looker
from devices.transport.decoding import FieldRejected
from devices.transport.view import View

NO_NOISE: Final = (
    "its pictures carry too little noise: one that is played again cannot be told from a new one"
)

# One picture at a time, beside everything else that the edge does.
cv2.setNumThreads(1)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a look. `same` is no news at all; anything but `fresh` shows nothing.

    `trouble` keeps the camera from showing what it is there for; `doubt` makes what it shows suspect.
    """

    state: Literal["fresh", "same", "frozen", "replayed", "dark"]
    looked: Looked = Looked()
    trouble: str = ""
    doubt: str = ""


class Eye:
    """An eye for one camera. Not to be used by two threads at once."""

    def __init__(self, view: View | None, settle: timedelta, *, reads_codes: bool) -> None:
        self._lens = None if view is None else view.lens
        self._view, self._settle, self._reads_codes = view, settle, reads_codes
        self.forget()

    def forget(self) -> None:
        """What comes next has nothing to do with what came so far: another size of pictures."""
        self._freshness = Freshness()
        empty = View.empty() if self._view is None else self._view
        self._looker = Looker(empty, self._settle, reads_codes=self._reads_codes)
        self._shape: tuple[int, ...] = ()

    def look(self, picture: bytes, at: datetime, *, is_repeat: bool = False, run: int = 0) -> Seen:
        """What a JPEG shows. Raises FieldRejected for one that must not or cannot be decoded."""
        width, height = picture_size(picture)
        flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
        decoded = cv2.imdecode(np.frombuffer(picture, dtype=np.uint8), flags)
        if decoded is None or decoded.shape != (height, width):
            raise FieldRejected("jpeg", "can be decoded")
        grey: Grey = decoded.astype(np.uint8, copy=False)
        if self._shape not in ((), grey.shape):
            self.forget()
        self._shape = grey.shape
        state = self._freshness.judge(grey, is_repeat=is_repeat, run=run)
        if state != "fresh":
            return Seen(state=state)
        if float(grey.mean()) < DARK_LEVEL:
            return Seen(state="dark")
        doubt = "" if self._freshness.can_tell else NO_NOISE
        if self._lens is not None and (self._lens.width_px, self._lens.height_px) != (width, height):
            wanted = f"{self._lens.width_px} x {self._lens.height_px}"
            return Seen(state="fresh", trouble=f"pictures are {width} x {height} and its view is of {wanted}")
        looked = self._looker.look(grey, at)
        return Seen(state="fresh", looked=looked, trouble=looked.trouble, doubt=doubt)
