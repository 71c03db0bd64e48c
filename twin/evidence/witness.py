"""Which observation shows that a unit is on site, whatever newer ones have been made since. Pure.

The twin names the newest observation of a unit by each modality; one that was named a moment ago has not
become false by being followed. It speaks for the unit's presence as long as nothing later says that the unit
went out.
"""

from datetime import datetime

import msgspec

from twin.presence.model import Direction, Side


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know about one observation of one unit."""

    at: datetime
    is_here: bool
    """Sensors place the unit on site now."""
    side: Side | None = None
    """Of the portal's antenna that heard it; None for whatever is not a portal."""
    was_leaving: bool = False
    """The unit was weighed on a vehicle that was going out."""
    crossed: Direction | None = None
    """How the unit last crossed a gate; None when it never did."""
    crossed_at: datetime | None = None
    left_at: datetime | None = None
    """When a vehicle last left with it."""


def shows_here(ground: Ground) -> bool:
    """True when the observation shows the unit on site, and nothing since says that it went out."""
    if not ground.is_here or ground.side == "outside" or ground.was_leaving or ground.crossed == "out":
        return False
    is_of_this_stay = ground.crossed_at is None or ground.at >= ground.crossed_at
    return is_of_this_stay and (ground.left_at is None or ground.at > ground.left_at)
