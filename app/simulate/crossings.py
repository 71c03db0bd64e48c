"""Which way goods went through the portals, as it was and as the product told it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

SAME_WITHIN = timedelta(minutes=15)
"""What is told of a tag by then is told of that crossing: some are known only when a pallet is put away."""


class Crossed(msgspec.Struct, frozen=True, order=True):
    """A pallet went through a portal, or is told to have."""

    at: datetime
    sscc: str
    direction: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """How true crossings were told, in one direction; `false` are told ones that never were."""

    true: int = 0
    right: int = 0
    wrong: int = 0
    untold: int = 0
    false: int = 0


def compare(true: Iterable[Crossed], told: Iterable[Crossed]) -> dict[str, Told]:
    """Each crossing in the order of time, by its direction, with the nearest that was told of its pallet."""
    left: dict[str, list[Crossed]] = defaultdict(list)
    for crossing in sorted(told):
        left[crossing.sscc].append(crossing)
    counts: dict[str, dict[str, int]] = {way: defaultdict(int) for way in ("in", "out")}
    for crossing in sorted(true):
        count, candidates = counts[crossing.direction], left[crossing.sscc]
        near = [other for other in candidates if abs(other.at - crossing.at) <= SAME_WITHIN]
        same = [other for other in near if other.direction == crossing.direction]
        count["true"] += 1
        count["right" if same else "wrong" if near else "untold"] += 1
        if near:
            candidates.remove(min(same or near, key=lambda other: abs(other.at - crossing.at)))
    for crossing in (crossing for of in left.values() for crossing in of):
        counts[crossing.direction]["false"] += 1
    return {way: Told(**count) for way, count in counts.items()}
