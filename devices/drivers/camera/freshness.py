"""Whether a picture is news, and not the one before it (frozen) or an earlier one (replayed) again. Pure.

A sensor's noise never comes twice. Of each picture a sketch is kept: small tiles of it, pixel by pixel. Two
pictures of one scene differ by the noise of both; a picture that comes again, even encoded anew, differs by
far less. What is compared is the median over the tiles, so that what moves before the camera, or a lamp that
is switched, makes pictures more different and never more alike:

    apart(a, b) = median over tiles of mean |a - b|, in grey levels
    frozen      : apart(now, before) < NOISE_LEVELS_MIN, again and again
    replayed    : least of apart(now, then) < SHARE * min(apart(now, before), usual)

`usual` is the lowest tenth of what neighbours were apart, so that the least noise which this camera has at
any light is what counts. Where even that is next to nothing (strong compression, a picture denoised away), a
picture cannot be told from one that comes again, which `can_tell` says; then bytes alone decide, as they do
while `usual` is still being learnt.
"""

import hashlib
from collections import OrderedDict, deque
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

TILE_PX: Final = 8
TILES: Final = 64
SKETCHES_MAX: Final = 2_048
"""8 MiB a camera. At a look every 5 s nearly three hours of pictures."""
DIGESTS_MAX: Final = 100_000
"""Of every picture that comes, looked at or not."""
SHARE: Final = 0.25
NOISE_LEVELS_MIN: Final = 0.25
"""Less than this between two pictures is no sensor's noise."""
USUAL_LEVELS_MIN: Final = 0.5
"""A camera whose neighbours are usually nearer than this carries too little noise to tell."""
NEIGHBOURS_KEPT: Final = 256
LEARNT_AFTER: Final = 8
TILE_LEVELS: Final = (8.0, 247.0)
"""Tiles that are black or burnt out have no noise."""
FROZEN_AFTER: Final = 3
"""As many pictures in a row that are the same."""
TRUST_AFTER: Final = 200
"""After a replay, so many looks in a row have to be news."""

State = Literal["fresh", "same", "frozen", "replayed"]
"""`same`: the picture before it came again, not yet often enough to call it frozen; it is no news."""
Grey = NDArray[np.uint8]
Sketch = NDArray[np.int16]


class Digests:
    """Remembers every picture by its bytes: a stream that is played again repeats them."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._last = b""
        self.is_repeat = False
        """Whether a picture came again since this was last cleared that was not the one just before it."""
        self.run = 0
        """How often in a row the newest picture came again."""

    def take(self, picture: bytes) -> None:
        """One more picture of the stream."""
        digest = hashlib.blake2b(picture, digest_size=12).digest()
        if digest == self._last:
            self.run += 1
            return
        self.is_repeat = self.is_repeat or digest in self._seen
        self._last, self.run = digest, 0
        self._seen[digest] = None
        self._seen.move_to_end(digest)
        if len(self._seen) > DIGESTS_MAX:
            self._seen.popitem(last=False)


class Freshness:
    """Judges the pictures that are looked at, one after the other."""

    def __init__(self) -> None:
        self._kept: deque[Sketch] = deque(maxlen=SKETCHES_MAX)
        self._neighbours: deque[float] = deque(maxlen=NEIGHBOURS_KEPT)
        self._same_in_a_row = 0
        self._news_since_replay = TRUST_AFTER

    @property
    def usual_levels(self) -> float | None:
        """The lowest tenth of what neighbours were apart; None until enough was seen."""
        if len(self._neighbours) < LEARNT_AFTER:
            return None
        return float(np.quantile(self._neighbours, 0.1))

    @property
    def can_tell(self) -> bool:
        """Whether pictures carry enough noise to tell one that comes again; yes while that is not known."""
        usual = self.usual_levels
        return usual is None or usual >= USUAL_LEVELS_MIN

    def judge(self, grey: Grey, *, is_repeat: bool = False, run: int = 0) -> State:
        """Whether the picture is news. `is_repeat` and `run` are what `Digests` found of its bytes."""
        sketch = _sketch(grey)
        apart = self._apart(sketch)
        usual = self.usual_levels if self.can_tell else None
        is_last = run > 0 or (usual is not None and bool((apart[-1:] < NOISE_LEVELS_MIN).any()))
        is_earlier = not is_last and (is_repeat or _is_outlier(apart, usual))
        if not is_last and not is_earlier:
            self._kept.append(sketch)
            if len(apart):
                self._neighbours.append(float(apart[-1]))
        self._same_in_a_row = self._same_in_a_row + 1 if is_last else 0
        self._news_since_replay = 0 if is_earlier else self._news_since_replay + 1
        if self._same_in_a_row + 1 >= FROZEN_AFTER:
            return "frozen"
        if self._news_since_replay < TRUST_AFTER:
            return "replayed"
        return "same" if is_last else "fresh"

    def _apart(self, sketch: Sketch) -> NDArray[np.float64]:
        """How far it is from each picture before it, oldest first, in grey levels."""
        means = sketch.mean(axis=1)
        usable = (means > TILE_LEVELS[0]) & (means < TILE_LEVELS[1])
        if not self._kept or not usable.any():
            return np.empty(0)
        kept = np.stack(self._kept)[:, usable]
        return np.asarray(np.median(np.abs(kept - sketch[usable]).mean(axis=2), axis=1), dtype=np.float64)


def _is_outlier(apart: NDArray[np.float64], usual: float | None) -> bool:
    """Whether an earlier picture is far nearer than noise lets two pictures be."""
    if usual is None or len(apart) < 2:
        return False
    return float(apart[:-1].min()) < SHARE * min(float(apart[-1]), usual)


def _sketch(grey: Grey) -> Sketch:
    """Tiles from all over the picture, spread evenly; it is at least as large as they are together."""
    side = round(TILES**0.5)
    height, width = grey.shape
    rows = [int((n + 0.5) * height / side) - TILE_PX // 2 for n in range(side)]
    columns = [int((n + 0.5) * width / side) - TILE_PX // 2 for n in range(side)]
    tiles = [grey[y : y + TILE_PX, x : x + TILE_PX] for y in rows for x in columns]
    return np.stack(tiles).reshape(TILES, -1).astype(np.int16)
