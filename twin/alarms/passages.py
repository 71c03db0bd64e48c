"""Passages over a gate's loop that no known vehicle explains: something left, and goods with it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from kernel.tx import Tx
from twin.alarms.model import Passage
from twin.presence.model import Stay
from twin.visits.model import LOOP_SETTLES, WEIGHED_WITHIN, Pass, passes_of
from twin.visits.store import barrier_changes, left_between, unit_stays_at, vehicle_stays_at

PASSED_WITHIN = timedelta(seconds=60)
"""The loop is passed at the latest so long after the goods were last heard outside."""
WAITS_MAX = timedelta(minutes=8)
"""And so long after they crossed out: a lorry waits at the boom until somebody opens it."""
LOOP_BEFORE = timedelta(minutes=10)
"""A loop may have been occupied for so long before it became free."""


async def unknown_passage(
    tx: Tx, site_id: str, gate_id: str, tags: Collection[str], first_at: datetime, last_at: datetime
) -> Passage | None:
    """The first passage after the goods with these tags crossed out that no known vehicle made.

    They crossed out from `first_at` to `last_at` and may have waited at the boom since. A passage is of
    a known vehicle when that left by it, or was heard on both sides around it by readers that were accepted.
    """
    since = first_at - LOOP_SETTLES
    until = await _waited_until(tx, site_id, gate_id, tags, last_at) + PASSED_WITHIN
    changes = await barrier_changes(tx, site_id, gate_id, since - LOOP_BEFORE)
    near = [item for item in passes_of(changes) if since <= item.freed_at <= until]
    for passed in near:
        around = (passed.occupied_at - WEIGHED_WITHIN, passed.freed_at + WEIGHED_WITHIN)
        stays = await vehicle_stays_at(tx, site_id, gate_id, *around)
        if not heard_through(stays, passed) and not await left_between(
            tx, site_id, gate_id, passed.occupied_at, passed.freed_at
        ):
            return Passage(occupied_at=passed.occupied_at, evidence_ids=passed.evidence_ids)
    return None


async def _waited_until(
    tx: Tx, site_id: str, gate_id: str, tags: Collection[str], crossed_at: datetime
) -> datetime:
    """When the tags that had crossed out were last heard outside."""
    stays = await unit_stays_at(tx, site_id, gate_id, crossed_at, crossed_at)
    heard = (stay.last_at for _, tag, stay in stays if tag in tags and stay.side == "outside")
    return min(max(heard, default=crossed_at), crossed_at + WAITS_MAX)


def heard_through(stays: Sequence[tuple[str, Stay]], passed: Pass) -> bool:
    """True when one vehicle was heard on one side before the passage ended, on the other since it began.

    Only readers that were accepted explain a passage.
    """
    before: dict[str, set[str]] = {}
    after: dict[str, set[str]] = {}
    for vehicle_id, stay in stays:
        if not stay.is_accepted:
            continue
        if stay.first_at <= passed.freed_at:
            before.setdefault(vehicle_id, set()).add(stay.side)
        if stay.last_at >= passed.occupied_at:
            after.setdefault(vehicle_id, set()).add(stay.side)
    return any(
        ("outside" in sides and "inside" in after.get(vehicle_id, ()))
        or ("inside" in sides and "outside" in after.get(vehicle_id, ()))
        for vehicle_id, sides in before.items()
    )
