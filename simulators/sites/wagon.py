"""What the indicator of a feed mixer wagon says of one feeding: a weight twice a second, a line for each
ingredient and pen. Pure.

The indicator is on while the wagon feeds. Mass comes and goes in the middle of each piece of work and rests
before its line is completed; while the wagon drives between pens its bars shake.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from kernel.rng import Rng
from simulators.protocols.tmr.frames import Indicator, Wagon, feedline
from simulators.sites.messages import Message
from simulators.world.ranch.places import pen_name
from simulators.world.ranch.state import WAGON, Dropped, Loaded

HZ = 2.0
"""SCOREM 11."""
REST_S = 60.0
"""The indicator stays on for so long after the last pen."""
LOADING, UNLOADING = (0.1, 0.85), (0.5, 0.9)
"""Between which shares of its time a piece of work moves the mass; before it unloads, the wagon drives."""
RATION = "GROW"
ZONE_AHEAD = timedelta(hours=8)
"""The indicator shows the time of China."""

Work = Loaded | Dropped


def said_of(
    works: Sequence[Work],
    begins_s: float,
    carried_g: float,
    moving_noise: float,
    true: Callable[[float], datetime],
    shown: Callable[[float], datetime],
    rng: Rng,
) -> Iterable[Message]:
    """Messages without their numbers, in the order of time. `carried_g` is in the wagon already; `true` and
    `shown` give a moment of the world and what the indicator's clock says then."""
    wagon = Wagon(rng)
    wagon.move(round(carried_g), true(begins_s))
    indicator = Indicator(wagon, hz=HZ)
    content_g, now_s = round(carried_g), begins_s
    for work in works:
        first, last = LOADING if isinstance(work, Loaded) else UNLOADING
        lasts_s = work.at_s - now_s
        if isinstance(work, Dropped):
            wagon.shake_share = moving_noise
        yield from _weights(indicator, true, now_s, now_s + first * lasts_s)
        wagon.shake_share = 0.0
        content_g = max(0, content_g + (work.shown_g if isinstance(work, Loaded) else -work.shown_g))
        wagon.move(content_g, true(now_s + first * lasts_s), within_s=(last - first) * lasts_s)
        yield from _weights(indicator, true, now_s + first * lasts_s, work.at_s)
        line = _line(work, shown(work.at_s) + ZONE_AHEAD)
        yield Message(work.at_s, 0, WAGON, "lines", f"{line}\r\n".encode("ascii"))
        now_s = work.at_s
    yield from _weights(indicator, true, now_s, now_s + REST_S)


def _weights(
    indicator: Indicator, true: Callable[[float], datetime], from_s: float, until_s: float
) -> Iterable[Message]:
    at_s = from_s
    while at_s < until_s:
        if said := indicator.due(true(at_s)):
            yield Message(at_s, 0, WAGON, "lines", said, is_kept=False)
        at_s += 1 / HZ


def _line(work: Work, local: datetime) -> str:
    if isinstance(work, Loaded):
        called_kg, code = round(work.target_g / 1000), work.ingredient[:6].upper()
    else:
        called_kg, code = 0, pen_name(work.pen)
    return feedline(
        "I" if isinstance(work, Loaded) else "P",
        code,
        called_kg=called_kg,
        moved_kg=round(work.shown_g / 1000),
        batch=str(work.batch),
        ration=RATION,
        local=local,
    )
