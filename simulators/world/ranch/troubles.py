"""What befalls a ranch at stated times: devices give nothing, tags die, scales drift, storms come. Pure."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400.0


class Off(msgspec.Struct, frozen=True):
    """A device gives nothing."""

    device: str
    from_s: float
    until_s: float


class TagsDie(msgspec.Struct, frozen=True):
    """The tags of so many animals die at once."""

    at_s: float
    tags: int


class Drift(msgspec.Struct, frozen=True):
    """A scale shows more, or less, by so much a day, and stays off afterwards."""

    device: str
    from_s: float
    until_s: float
    share_a_day: float


class Stormy(msgspec.Struct, frozen=True):
    """A storm."""

    from_s: float
    until_s: float


Trouble = Off | TagsDie | Drift | Stormy


def is_stormy(troubles: Sequence[Trouble], at_s: float) -> bool:
    return any(isinstance(one, Stormy) and one.from_s <= at_s < one.until_s for one in troubles)


def is_off(troubles: Sequence[Trouble], device: str, at_s: float) -> bool:
    return any(
        isinstance(trouble, Off) and trouble.device == device and trouble.from_s <= at_s < trouble.until_s
        for trouble in troubles
    )


def drifted(troubles: Sequence[Trouble], device: str, at_s: float) -> float:
    """What a scale shows of the mass that it would show without drifting."""
    factor = 1.0
    for trouble in troubles:
        if isinstance(trouble, Drift) and trouble.device == device:
            lasted_s = max(0.0, min(at_s, trouble.until_s) - trouble.from_s)
            factor += trouble.share_a_day * lasted_s / DAY_S
    return factor


def tags_dying(
    troubles: Sequence[Trouble],
    living: NDArray[np.intp],
    at_s: float,
    dt_s: float,
    draw: np.random.Generator,
) -> NDArray[np.intp]:
    """Those of the living tags that die within the step because a trouble says so."""
    count = sum(
        trouble.tags
        for trouble in troubles
        if isinstance(trouble, TagsDie) and at_s <= trouble.at_s < at_s + dt_s
    )
    return draw.permutation(living)[:count] if count else living[:0]
