"""The ear tags of a herd: their numbers, when in each interval they beacon, and what they send. Pure.

Nine animals in ten wear the Chinese tag, the others came from abroad with one of ISO 11784. A tag's counter
grows with every beacon, heard or not, and was somewhere already when the world begins.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from kernel.animals import AnimalId, chinese_id, iso_id
from kernel.rng import Rng
from simulators.protocols.ear_tag.frames import Burst, Motion, Tag, iso_number
from simulators.world.ranch.parameters import Parameters

COUNTY = "152502"
"""Xilinhot."""
ISO_COUNTRY = 156
FOREIGN_EVERY = 10
COUNTER_MAX = 500_000
BATTERY_MV_MIN, BATTERY_MV_MAX = 2_900, 3_100


class HerdTags:
    """One tag an animal, in the animals' order. `beaconed` moves all of them on by one interval."""

    def __init__(self, parameters: Parameters, count: int, rng: Rng, herd_key: bytes | None = None) -> None:
        """`herd_key` is what the tags were programmed from; else a key of the seed."""
        draw = rng.numpy
        self.herd_key = herd_key or rng.child("herd-key").bytes(32)
        self.after_s = draw.uniform(0.0, parameters.station.beacon_s, count)
        """How long after the interval's beginning each beacons."""
        counters = draw.integers(0, COUNTER_MAX, count)
        self._battery_mv = draw.integers(BATTERY_MV_MIN, BATTERY_MV_MAX, count, endpoint=True).tolist()
        self._tags = [self._tag(animal, counter) for animal, counter in enumerate(counters.tolist())]
        self._sent = counters.tolist()
        self._woken_s: defaultdict[int, list[float]] = defaultdict(list)

    def _tag(self, animal: int, counter: int) -> Tag:
        number = animal_number(animal)
        if number.scheme == "china":
            return Tag(self.herd_key, int(number.digits), is_chinese=True, counter=counter)
        word = iso_number(ISO_COUNTRY, int(number.digits[3:]))
        return Tag(self.herd_key, word, counter=counter)

    def wake(self, animal: int, after_s: float) -> int:
        """A scale wakes a tag so long after the interval's beginning: it sends at once, beside its beacons.
        Called in the order of time, before the interval's own beacons are asked for. Returns the counter."""
        before = len(self._woken_s[animal]) + (self.after_s[animal] <= after_s)
        self._woken_s[animal].append(after_s)
        return int(self._sent[animal] + before + 1)

    def counter(self, animal: int) -> int:
        """The counter of the animal's own beacon in this interval."""
        woken = self._woken_s.get(animal, ())
        return int(self._sent[animal] + 1 + sum(at_s < self.after_s[animal] for at_s in woken))

    def beaconed(self) -> None:
        """The interval is over: every tag has sent, and those that were woken more than once."""
        self._sent = [sent + 1 for sent in self._sent]
        for animal, woken in self._woken_s.items():
            self._sent[animal] += len(woken)
        self._woken_s.clear()

    def frame(
        self,
        animal: int,
        counter: int,
        *,
        temperature_mc: int | None = None,
        motion: Motion | None = None,
        burst: tuple[int, Sequence[tuple[int, int, int]]] | None = None,
    ) -> bytes:
        """What the animal's tag sends under this counter."""
        tag = self._tags[animal]
        tag.counter = counter - 1
        return tag.beacon(
            battery_mv=self._battery_mv[animal],
            temperature_c=None if temperature_mc is None else temperature_mc / 1000,
            motion=motion,
            burst=None if burst is None else Burst(*burst),
        )


def animal_number(animal: int) -> AnimalId:
    """What the ear tag of an animal says, by the animal's number in the world."""
    if animal % FOREIGN_EVERY == FOREIGN_EVERY - 1:
        return iso_id(ISO_COUNTRY, animal + 1)
    return chinese_id(f"2{COUNTY}{animal + 1:08d}")


def intervals_between_bursts(parameters: Parameters) -> int:
    """After how many beacons a tag sends a burst; 0 for never."""
    return round(parameters.tag.burst_every_h * 3_600 / parameters.station.beacon_s)


def bursting(parameters: Parameters, at_s: float, animals: np.ndarray) -> np.ndarray:
    """Which of these animals send a burst with the beacon of the interval that begins at `at_s`."""
    every = intervals_between_bursts(parameters)
    if not every:
        return np.zeros(len(animals), dtype=np.bool_)
    interval = round(at_s / parameters.station.beacon_s)
    return np.asarray((animals + interval) % every == 0)
