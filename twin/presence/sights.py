"""What cameras make of slots, and when that vouches for the unit in one. Pure.

A camera sees that a slot is taken, not by what. It vouches for a unit that an accepted fork set down there,
from a little after then on, as long as no camera saw the slot empty and nothing else was put into it. Of each
slot the latest of both is kept, so that any order of arrival gives the same.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from kernel.messages import Envelope, SlotSight
from twin.presence.model import Seen, Track

CLOCKS: Final = timedelta(seconds=10)
"""Clocks of cameras and forks may differ by so much: a sight nearer to a set-down may be of before it."""


class SlotSeen(msgspec.Struct, frozen=True, kw_only=True):
    """When a slot was last seen occupied, by which observation, and when last empty."""

    slot_id: str
    occupied_at: datetime | None = None
    occupied_id: str | None = None
    empty_at: datetime | None = None


def latest_of(envelopes: Iterable[Envelope], slot_ids: frozenset[str]) -> dict[str, SlotSeen]:
    """The latest sights of slots in a batch. What a camera doubts itself, or nobody accepted, vouches for
    nothing; that it saw a slot empty counts all the same."""
    seen: dict[str, SlotSeen] = {}
    for envelope in envelopes:
        observation, sight = envelope.observation, envelope.observation.reading
        if not isinstance(sight, SlotSight) or sight.state != "fresh":
            continue
        at, name = observation.observed_at, observation.observation_id
        if envelope.is_accepted and observation.quality == "good":
            for slot_id in slot_ids.intersection(sight.occupied):
                known = seen.get(slot_id, SlotSeen(slot_id=slot_id))
                if known.occupied_at is None or (known.occupied_at, known.occupied_id or "") < (at, name):
                    seen[slot_id] = msgspec.structs.replace(known, occupied_at=at, occupied_id=name)
        for slot_id in slot_ids.intersection(sight.empty):
            known = seen.get(slot_id, SlotSeen(slot_id=slot_id))
            if known.empty_at is None or known.empty_at < at:
                seen[slot_id] = msgspec.structs.replace(known, empty_at=at)
    return seen


def sight_of(track: Track | None, seen: SlotSeen | None, placed_over_at: datetime | None) -> Seen | None:
    """The sight that vouches for a unit, or None. `placed_over_at`: another was last put into its slot."""
    if track is None or seen is None or seen.occupied_at is None or seen.occupied_id is None:
        return None
    position, placed_at = track.seen.get("position"), track.placed_at
    if track.place != "slot" or placed_at is None or position is None or position.at < placed_at:
        return None
    if placed_over_at is not None and placed_over_at >= placed_at:
        return None
    since = placed_at + CLOCKS
    was_empty = seen.empty_at is not None and seen.empty_at > since
    return Seen(seen.occupied_at, seen.occupied_id) if seen.occupied_at > since and not was_empty else None
