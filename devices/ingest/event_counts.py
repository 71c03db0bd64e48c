"""What a device's own running count tells of events that are missing. Pure.

Such a count numbers nothing for us: it begins anew when the device does, without saying so. But a jump in it
is a loss that nothing else would show.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from devices.ingest.model import Received
from kernel.messages import DeviceStatus, Observation, Rejected, TagRead, content_identity

Item = Received | Rejected


class Count(msgspec.Struct, frozen=True):
    """The last event number of a device, and when it was by the device's clock."""

    number: int
    at: datetime


Counts = Mapping[str, Count]
"""By device."""


def latest(items: Iterable[Item]) -> dict[str, Count]:
    """Where the counts of those devices stand that `items` are of and that keep one."""
    found: dict[str, Count] = {}
    for item in items:
        if isinstance(item, Received) and (number := _number(item.observation)):
            device_id, at = item.observation.device_id, item.observation.observed_at
            if device_id not in found or at >= found[device_id].at:
                found[device_id] = Count(number, at)
    return found


def with_gaps(counts: Counts, items: Sequence[Item]) -> tuple[list[Item], Counts]:
    """`items` in the order they arrived, with a statement before each that shows a gap; and the counts after.

    A number that is not above the last one, of a later time, is a count that began anew: what was lost around
    that is not known. Of an earlier time it is a latecomer or a repeat, and its gap was stated already.
    """
    stated: list[Item] = []
    now = dict(counts)
    for item in items:
        if isinstance(item, Received) and (number := _number(item.observation)):
            observation = item.observation
            last = now.get(observation.device_id)
            if last is None or number > last.number or observation.observed_at > last.at:
                if last is not None and (reason := _gap(last, number)):
                    stated.append(_statement(item, last, reason))
                now[observation.device_id] = Count(number, observation.observed_at)
        stated.append(item)
    return stated, now


def _number(observation: Observation) -> int:
    """The event number, 0 where the device keeps no count."""
    return max(0, observation.reading.event_number) if isinstance(observation.reading, TagRead) else 0


def _gap(last: Count, number: int) -> str:
    """What is missing before `number`, in words; empty when nothing is."""
    if number <= last.number:
        return f"the device counts anew, from event {number}; its last was {last.number}"
    missing = number - last.number - 1
    if missing <= 1:
        return f"event {number - 1} is missing" if missing else ""
    return f"events {last.number + 1} to {number - 1} are missing"


def _statement(shown_by: Received, last: Count, reason: str) -> Received:
    observation = shown_by.observation
    boot, sequence = content_identity(
        observation.observed_at, f"{observation.device_id} {last.number} {reason}".encode()
    )
    return Received(
        observation=Observation(
            device_id=observation.device_id,
            boot=boot,
            sequence=sequence,
            observed_at=observation.observed_at,
            reading=DeviceStatus(
                state="gap",
                reason=reason,
                gap_s=max(0.0, (observation.observed_at - last.at).total_seconds()),
            ),
        ),
        received_at=shown_by.received_at,
    )
