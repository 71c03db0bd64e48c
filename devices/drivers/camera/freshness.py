"""Whether a picture is news, and not the one before it (frozen) or an earlier one (replayed) again. Pure.

A sensor's noise never comes twice. Of each picture a sketch is kept: small tiles of it, pixel by pixel, and
the noise in them: what is left of a tile when the mean of the pictures that are most like it is taken away,
at whatever light and slope. Of two pictures of one scene the noise has nothing in common. In a picture that
comes again it is the same, and stays so under noise that was put on top of it:

    alike(a, b) = median over tiles of the correlation of their noise
    apart(a, b) = median over tiles of mean |a - b|, in grey levels
    frozen      : alike(now, before) > ALIKE_MIN or apart(now, before) < NOISE_LEVELS_MIN, again and again
    replayed    : alike(now, then) > ALIKE_MIN for any picture before that

The median leaves out what moves before the camera; a lamp that is switched makes no two noises more alike.
Noise of strength s on a sensor's of strength n leaves a correlation of 1 / sqrt(1 + (s / n)^2): put on as
strong as the sensor's own it is 0.7.

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
"""24 MiB a camera, with their noise. At a look every 5 s nearly three hours of pictures."""
DIGESTS_MAX: Final = 100_000
"""Of every picture that comes, looked at or not."""
ALIKE_MIN: Final = 0.4
"""Of 8,200 live pictures, painted in changing light with lamps, pallets and JPEGs of quality 60 to 85, no two
were above 0.31; of those that came again under as much noise as the sensor's, none was below 0.53."""
LIKE_IT: Final = 8
"""Pictures whose mean is what a scene looks like without noise."""
TILE_NOISE_MIN: Final = 0.5
"""A tile with less, in grey levels, shows the steps of its compression and no noise."""
TILES_MIN: Final = 16
"""With noise in fewer tiles a picture is not compared."""
NOISE_UNIT: Final = 254.0
"""What a tile's noise of length 1 is stored as; a pixel holds at most half of it."""
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

_SIDE = np.linspace(-1.0, 1.0, TILE_PX, dtype=np.float32)
_ONES = np.ones(TILE_PX, dtype=np.float32)
EVEN_LIGHT: Final = np.stack(
    [np.kron(_ONES, _ONES), np.kron(_ONES, _SIDE), np.kron(_SIDE, _ONES)], axis=1
).astype(np.float32)
"""An even light over a tile, and its slope in both directions."""

State = Literal["fresh", "same", "frozen", "replayed"]
"""`same`: the picture before it came again, not yet often enough to call it frozen; it is no news."""
Grey = NDArray[np.uint8]
Sketch = NDArray[np.int16]
Noise = NDArray[np.int8]
"""Of each tile, with mean 0 and length `NOISE_UNIT`; 0 where there is too little."""


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
        self._noises: deque[Noise] = deque(maxlen=SKETCHES_MAX)
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
        noise = self._noise(sketch, apart)
        can_tell = self.usual_levels is not None and self.can_tell
        again = self._alike(noise) > ALIKE_MIN if can_tell else np.zeros(len(self._kept), dtype=np.bool_)
        is_still = can_tell and bool((apart[-1:] < NOISE_LEVELS_MIN).any())
        is_last = run > 0 or is_still or bool(again[-1:].any())
        is_earlier = not is_last and (is_repeat or bool(again.any()))
        if not is_last and not is_earlier:
            self._keep(sketch, noise, apart)
        self._same_in_a_row = self._same_in_a_row + 1 if is_last else 0
        self._news_since_replay = 0 if is_earlier else self._news_since_replay + 1
        if self._same_in_a_row + 1 >= FROZEN_AFTER:
            return "frozen"
        if self._news_since_replay < TRUST_AFTER:
            return "replayed"
        return "same" if is_last else "fresh"

    def _keep(self, sketch: Sketch, noise: Noise, apart: NDArray[np.float64]) -> None:
        """Remember a picture that is news. With the first few, what they have in common is known."""
        self._kept.append(sketch)
        self._noises.append(noise)
        if len(apart):
            self._neighbours.append(float(apart[-1]))
        if len(self._kept) == LIKE_IT + 1:
            first = np.stack(self._kept).astype(np.float32)
            others = (first.sum(axis=0) - first) / LIKE_IT
            self._noises.extend(_noise(one, other) for one, other in zip(first, others, strict=True))
            for _ in first:
                self._noises.popleft()

    def _apart(self, sketch: Sketch) -> NDArray[np.float64]:
        """How far it is from each picture before it, oldest first, in grey levels."""
        usable = _is_lit(sketch)
        if not self._kept or not usable.any():
            return np.empty(0)
        kept = np.stack(self._kept)[:, usable]
        return np.asarray(np.median(np.abs(kept - sketch[usable]).mean(axis=2), axis=1), dtype=np.float64)

    def _noise(self, sketch: Sketch, apart: NDArray[np.float64]) -> Noise:
        """Its noise, as the pictures that are most like it tell; none while there are too few."""
        if len(apart) < LIKE_IT:
            return np.zeros(sketch.shape, dtype=np.int8)
        nearest = np.argpartition(apart, LIKE_IT - 1)[:LIKE_IT]
        reference = np.mean([self._kept[n] for n in nearest], axis=0)
        return _noise(sketch.astype(np.float32), reference.astype(np.float32))

    def _alike(self, noise: Noise) -> NDArray[np.float64]:
        """How alike its noise and that of each picture before it are: -1 to 1, 0 where it has none."""
        usable = noise.any(axis=1)
        if np.count_nonzero(usable) < TILES_MIN:
            return np.zeros(len(self._noises))
        kept = np.stack(self._noises)[:, usable].astype(np.float32)
        products = np.einsum("jtp,tp->jt", kept, noise[usable].astype(np.float32))
        return np.asarray(np.median(products, axis=1) / NOISE_UNIT**2, dtype=np.float64)


def _is_lit(sketch: NDArray[np.generic]) -> NDArray[np.bool_]:
    means = sketch.mean(axis=1)
    return np.asarray((means > TILE_LEVELS[0]) & (means < TILE_LEVELS[1]), dtype=np.bool_)


def _noise(sketch: NDArray[np.float32], reference: NDArray[np.float32]) -> Noise:
    """What is left of each tile without what it has of the reference, of an even light and of its slope."""
    even = np.broadcast_to(EVEN_LIGHT, (*reference.shape, EVEN_LIGHT.shape[1]))
    known, _ = np.linalg.qr(np.concatenate([even, reference[:, :, None]], axis=2))
    rest = sketch - np.einsum("tpk,tqk,tq->tp", known, known, sketch, optimize=True)
    rest[~_is_lit(sketch) | (rest.std(axis=1) < TILE_NOISE_MIN)] = 0
    length = np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-6)
    return np.asarray(np.clip(np.rint(rest / length * NOISE_UNIT), -127, 127), dtype=np.int8)


def _sketch(grey: Grey) -> Sketch:
    """Tiles from all over the picture, spread evenly; it is at least as large as they are together."""
    side = round(TILES**0.5)
    height, width = grey.shape
    rows = [int((n + 0.5) * height / side) - TILE_PX // 2 for n in range(side)]
    columns = [int((n + 0.5) * width / side) - TILE_PX // 2 for n in range(side)]
    tiles = [grey[y : y + TILE_PX, x : x + TILE_PX] for y in rows for x in columns]
    return np.stack(tiles).reshape(TILES, -1).astype(np.int16)
