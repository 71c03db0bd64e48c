"""Randomness is an argument: one seed, named streams, the same numbers every time."""

import hashlib

import numpy as np


class Rng:
    """A seeded source of randomness that can be split by name.

    Children depend only on the seed and their name, never on how much the parent was used,
    so that adding one draw somewhere does not change every draw elsewhere.
    """

    def __init__(self, seed: int, path: str = "") -> None:
        self.seed = seed
        self._path = path
        digest = hashlib.sha256(f"{seed}/{path}".encode()).digest()
        self.numpy = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))

    def child(self, name: str) -> "Rng":
        """An independent stream named `name`."""
        return Rng(self.seed, f"{self._path}/{name}")

    def integer(self, low: int, high: int) -> int:
        """A whole number in low..high, both included."""
        return int(self.numpy.integers(low, high, endpoint=True))

    def uniform(self, low: float, high: float) -> float:
        return float(self.numpy.uniform(low, high))

    def normal(self, mean: float, deviation: float) -> float:
        return float(self.numpy.normal(mean, deviation))

    def chance(self, probability: float) -> bool:
        """True with `probability` (0 to 1)."""
        return bool(self.numpy.random() < probability)

    def bytes(self, count: int) -> bytes:
        return self.numpy.bytes(count)
