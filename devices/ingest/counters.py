"""Whether a beacon of an ear tag is new, or was heard before. Pure.

A tag's counter grows with each beacon and is authenticated, so a beacon can be copied but not made. What a
copy cannot have is its time: it is heard after the beacon itself had reached us. Whatever a station's clock
says, an honest one heard it before that; so the beacon of a station whose clock is behind, and of another
that hears the same, are both good, as are those that come late from a station whose line was cut.
"""

from collections.abc import MutableMapping
from datetime import datetime, timedelta
from typing import NamedTuple

from devices.ingest.model import Received
from devices.ingest.readings import Broken
from kernel.messages import AnimalBeacon

Tag = tuple[str, str, str]
"""Scheme and digits of an animal's number, and the fingerprint of its herd's key."""

SAME_BEACON_MAX = timedelta(seconds=60)
"""Our clock and that of an honest station differ by less; a copy played within it tells nothing untrue."""
LATE_BEACONS_MAX = 4_096
"""How far a late beacon's counter may lie behind: two weeks of one every five minutes."""


class Mark(NamedTuple):
    """The highest counter of a tag that was accepted, and when its beacon first reached us."""

    counter: int
    received_at: datetime


def tag_of(beacon: AnimalBeacon) -> Tag:
    return beacon.id_scheme, beacon.animal_id, beacon.key_id


def admit(received: Received, marks: MutableMapping[Tag, Mark]) -> Broken | None:
    """The rule that a reading breaks as the copy of a beacon; None for any other, whose mark is moved."""
    beacon = received.observation.reading
    if not isinstance(beacon, AnimalBeacon):
        return None
    tag = tag_of(beacon)
    # A station whose clock is ahead heard nothing after we had it.
    heard_at = min(received.observation.observed_at, received.received_at)
    broken = verify(beacon.counter, heard_at, marks.get(tag))
    if broken is None:
        marks[tag] = moved(beacon.counter, received.received_at, marks.get(tag))
    return broken


def verify(counter: int, heard_at: datetime, last: Mark | None) -> Broken | None:
    """The rule that a beacon breaks beside the tag's last one; None when it is new, late, or the last one
    heard by another station."""
    if last is None or counter > last.counter:
        return None
    if last.counter - counter > LATE_BEACONS_MAX:
        return Broken("counter", f"at most {LATE_BEACONS_MAX} behind the tag's last")
    if heard_at > last.received_at + SAME_BEACON_MAX:
        return Broken("counter", "above the tag's last, or heard before that was: a replay")
    return None


def moved(counter: int, received_at: datetime, last: Mark | None) -> Mark:
    """The mark after an accepted beacon."""
    return Mark(counter, received_at) if last is None or counter > last.counter else last
