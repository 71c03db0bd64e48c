"""Which units rest on the word of devices that somebody does not believe. Pure.

What a device at a gate says concerns every unit that was there then: it can say that goods came in, and hide
that they went out. Any other device concerns the units that it said something of.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from twin.messages import DeviceSpan, Modality


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit's presence rests on by one modality. Of a net mass, `began_at` is the first weighing."""

    modality: Modality
    began_at: datetime
    at: datetime


def doubted(told: Sequence[Told], spans: Sequence[DeviceSpan]) -> DeviceSpan | None:
    """The span that puts a unit in doubt: the last that something told of it reaches into; else the last of
    all, unless the unit was heard, weighed or moved since. A sight is of a slot and not of a unit by name.

    `spans` are those that concern the unit.
    """
    last = max(spans, key=lambda span: (span.until, span.device_id), default=None)
    if last is None:
        return None
    within = [
        span for span in spans if any(item.began_at <= span.until and item.at >= span.since for item in told)
    ]
    if within:
        return max(within, key=lambda span: (span.until, span.device_id))
    is_seen_since = any(item.began_at > last.until for item in told if item.modality != "sight")
    return None if is_seen_since else last
