"""What a sensor makes of a painted scene: light, noise, and a JPEG. Pure.

Pictures are encoded by Pillow, so that OpenCV does not read what it wrote itself.
"""

import io

import msgspec
import numpy as np
from PIL import Image


class Exposure(msgspec.Struct, frozen=True):
    """`light` 1 is a well lit hall and 0 the night; `noise` is the sensor's, in grey levels: no two pictures
    have it in common."""

    light: float = 1.0
    noise: float = 2.0
    quality: int = 85


ORDINARY = Exposure()


class Negative:
    """A painted scene that is exposed as often as one likes."""

    def __init__(self, png: bytes) -> None:
        self._picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.float32)

    def exposed(self, seed: int, exposure: Exposure = ORDINARY) -> bytes:
        """A JPEG; the same seed gives the same."""
        draw = np.random.default_rng(seed)
        noise = draw.normal(0.0, exposure.noise, self._picture.shape[:2]).astype(np.float32)
        seen = np.rint(self._picture * exposure.light + noise[..., None])
        return encoded(np.clip(seen, 0, 255).astype(np.uint8), exposure.quality)


def encoded(picture: np.ndarray, quality: int) -> bytes:
    """RGB as a baseline JPEG, 4:2:0, with the usual Huffman tables."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality)
    return out.getvalue()


def encoded_again(jpeg: bytes, quality: int, *, noise: float = 0.0, seed: int = 0) -> bytes:
    """A JPEG as a recorder plays it again: decoded and encoded anew, with noise of the recorder's own on top
    where it wants to pass for live."""
    picture = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), dtype=np.float32)
    put_on = np.random.default_rng(seed).normal(0.0, noise, picture.shape[:2])[..., None]
    return encoded(np.clip(np.rint(picture + put_on), 0, 255).astype(np.uint8), quality)
