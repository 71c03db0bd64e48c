"""Passages over the loop of a gate that no known vehicle made: whatever passed, no reader heard it.

The clock looks for them and not the fold: that nothing explains a passage shows only when nothing more is
heard. Which gates it looks at, and from when on, the fold says: whatever comes in late, after a line was cut
or while nothing judged, is judged then. The barrier alone saw it: grade `check`, one alarm a passage,
withdrawn when a vehicle becomes known that made it.
"""

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from kernel.tx import Tx
from twin.alarms import store
from twin.alarms.incidents import evidence, keep_unheard, where, withdraw
from twin.messages import AlarmKind
from twin.presence.model import PASSAGE
from twin.visits.model import (
    WEIGHED_WITHIN,
    BarrierChange,
    Pass,
    Weighing,
    passes_of,
    shut_passes_of,
)
from twin.visits.store import barrier_changes, vehicle_stays_at, weighings_at

KIND: Final[AlarmKind] = "passage_unexplained"
SETTLES = timedelta(minutes=2)
"""So long after a passage was told its vehicle was heard on the other side, with what else the gate told."""
ON_ITS_WAY = PASSAGE
"""Within this time of its passage a vehicle that stood outside was heard inside, and was weighed."""
AROUND = timedelta(minutes=15)
"""Passages and vehicles so long before what is judged say which vehicle made which passage."""
BLOCKED = timedelta(minutes=15)
"""A loop that is occupied for so long is no watch."""
STANDS = timedelta(minutes=2)
"""And so is one that is occupied for so long under a boom that is not shut: one vehicle explains no more."""
COUPLED = timedelta(seconds=2)
"""A lorry and its trailer free the loop for no longer between them."""
HEAVY_G = 1_000_000
"""What weighs less on the lane's scale is no vehicle."""


class Crossing(NamedTuple):
    """A known vehicle went through the gate at about `at`: over the loop between the other two moments."""

    first_at: datetime
    last_at: datetime
    at: datetime


async def gates_passed(tx: Tx) -> list[tuple[str, str, datetime]]:
    """Sites and gates, locked, at which something came in since they were judged; and from when on."""
    return await store.lock_due(tx)


async def judge_passages(tx: Tx, site_id: str, gate_id: str, since: datetime, lot_ids: Sequence[str]) -> None:
    """Keep one alarm for each passage through the gate that ended at `since` or later and that no known
    vehicle explains `SETTLES` after it was told, and for each time its loop was `blocked_in`.
    `lot_ids` are those of which something may have gone."""
    start = await store.loop_free_before(tx, site_id, gate_id, since - AROUND)
    changes = await barrier_changes(tx, site_id, gate_id, start or since - AROUND)
    told = coupled(passed for passed in passes_of(changes) if passed.is_accepted)
    sure, on_their_way = await _crossings(tx, site_id, gate_id, since - AROUND)
    left = unexplained(told, sure)
    young = [passed for passed in left if tx.now - _told_at(passed) < ON_ITS_WAY]
    old = [passed for passed in left if passed not in young]
    left = [*old, *unexplained(young, on_their_way), *await _unheard(tx, site_id, gate_id, changes)]
    settled = [passed for passed in left if tx.now - _told_at(passed) >= SETTLES]
    blocked = blocked_in(changes, tx.now)
    kept: set[str] = set()
    for passed in [*settled, *blocked]:
        if passed.freed_at >= since:
            await _keep(tx, site_id, passed, lot_ids, kept)
    known = await store.alarms_at(tx, where(site_id, gate_id, None, (since, tx.now)), [KIND])
    stale = [alarm for alarm in known if alarm["last_at"] >= since and alarm["alarm_id"] not in kept]
    await withdraw(tx, stale, None)
    fresh = [passed for passed in [*told, *shut_passes_of(changes)] if _is_fresh(passed, tx.now)]
    fresh += occupied_until(changes, tx.now)
    again = min((passed.occupied_at for passed in fresh), default=None)
    await store.due_since(tx, site_id, gate_id, again)


def _told_at(passed: Pass) -> datetime:
    """When it was over and known to be."""
    return max(passed.freed_at, passed.told_at or passed.freed_at)


def _is_fresh(passed: Pass, now: datetime) -> bool:
    """Whether what the clock brings may change the judgement."""
    return now - _told_at(passed) < ON_ITS_WAY + SETTLES


def blocked_in(changes: Sequence[BarrierChange], now: datetime) -> list[Pass]:
    """When the loop was occupied for `BLOCKED`, or for `STANDS` since the boom was not shut, until it was
    free for longer than `COUPLED` or until now: it tells of nothing that passes meanwhile."""
    spans = [*passes_of(changes), *shut_passes_of(changes), *occupied_until(changes, now)]
    told = [span for span in spans if span.is_accepted]
    shut = [span for span in told if span.opened_at is None]
    under_open = coupled(span for span in told if span.opened_at is not None)
    return [span for span in [*under_open, *shut] if _is_blocked(span)]


def _is_blocked(span: Pass) -> bool:
    opened_at = span.opened_at or span.freed_at
    return span.freed_at - span.occupied_at >= BLOCKED or span.freed_at - opened_at >= STANDS


def occupied_until(changes: Sequence[BarrierChange], now: datetime) -> list[Pass]:
    """That the loop of an accepted barrier is occupied now, if it is."""
    told = sorted(
        (change for change in changes if change.is_accepted),
        key=lambda change: (change.observed_at, change.observation_id),
    )
    occupied = list(itertools.takewhile(lambda change: change.loop_occupied, reversed(told)))
    if not occupied:
        return []
    first, last = occupied[-1], occupied[0]
    not_shut = [change.observed_at for change in occupied if change.is_open or not change.is_closed]
    return [
        Pass(
            gate_id=first.gate_id,
            occupied_at=first.observed_at,
            freed_at=max(now, last.observed_at),
            opened_at=min(not_shut, default=None),
            evidence_ids=list(dict.fromkeys([first.observation_id, last.observation_id])),
        )
    ]


def coupled(passes: Iterable[Pass]) -> list[Pass]:
    """Passages in order of time, those of what is coupled together as one."""
    found: list[Pass] = []
    for passed in sorted(passes, key=lambda passed: passed.freed_at):
        if found and passed.occupied_at - found[-1].freed_at <= COUPLED:
            ids = [found[-1].evidence_ids[0], passed.evidence_ids[-1]]
            found[-1] = replace(found[-1], freed_at=passed.freed_at, told_at=passed.told_at, evidence_ids=ids)
        else:
            found.append(passed)
    return found


def unexplained(passes: Sequence[Pass], crossings: Iterable[Crossing]) -> list[Pass]:
    """Passages that are left when each crossing has explained one: the nearest of those that it may be."""
    rest = list(passes)
    for crossing in sorted(crossings, key=lambda crossing: (crossing.last_at - crossing.first_at, crossing)):
        may_be = [
            passed
            for passed in rest
            if passed.freed_at >= crossing.first_at and passed.occupied_at <= crossing.last_at
        ]
        if may_be:
            rest.remove(min(may_be, key=lambda passed: abs(passed.freed_at - crossing.at)))
    return rest


async def _crossings(
    tx: Tx, site_id: str, gate_id: str, since: datetime
) -> tuple[list[Crossing], list[Crossing]]:
    """Of vehicles that went through, and of others that may be on their way. Of those that left by the loop:
    that very moment. Of others the time in which they may have passed it."""
    sure: list[Crossing] = []
    on_their_way: list[Crossing] = []
    for row in await store.vehicles_through(tx, site_id, gate_id, since - PASSAGE, HEAVY_G):
        margin = timedelta(0) if row["has_left"] else WEIGHED_WITHIN
        crossing = Crossing(row["first_at"] - margin, row["at"] + margin, row["at"])
        (sure if row["is_sure"] else on_their_way).append(crossing)
    return sure, on_their_way


async def _unheard(tx: Tx, site_id: str, gate_id: str, changes: Sequence[BarrierChange]) -> list[Pass]:
    """What went over the loop under a boom that is said to be shut, with no known vehicle heard near it by a
    reader that was accepted: a vehicle that waits there may feel its way."""
    found = []
    for passed in shut_passes_of(changes):
        around = (passed.occupied_at - WEIGHED_WITHIN, passed.freed_at + WEIGHED_WITHIN)
        stays = await vehicle_stays_at(tx, site_id, gate_id, *around)
        if not any(stay.is_accepted for _, stay in stays):
            found.append(passed)
    return found


async def _keep(tx: Tx, site_id: str, passed: Pass, lot_ids: Sequence[str], kept: set[str]) -> None:
    told = [
        evidence(item, "position", passed.occupied_at, "loop passed, no vehicle known")
        for item in passed.evidence_ids
    ]
    weighed = await _weighed(tx, site_id, passed)
    if weighed is not None:
        summary = f"{weighed.mass_g // 1000} kg, no vehicle known"
        told.append(evidence(weighed.observation_id, "mass", weighed.weighed_at, summary))
    await keep_unheard(
        tx,
        site_id,
        passed.gate_id,
        (passed.occupied_at, passed.freed_at),
        kind=KIND,
        reason=KIND,
        lot_ids=lot_ids,
        told=told,
        exit_g=None if weighed is None else weighed.mass_g,
        kept=kept,
    )


async def _weighed(tx: Tx, site_id: str, passed: Pass) -> Weighing | None:
    """What an accepted scale in the lane last weighed about then that was heavy and no vehicle's."""
    period = (passed.occupied_at - SETTLES, passed.freed_at + WEIGHED_WITHIN)
    heavy = [
        weighing
        for weighing, vehicle_id, _ in await weighings_at(tx, site_id, passed.gate_id, *period)
        if vehicle_id is None and weighing.is_accepted and weighing.mass_g >= HEAVY_G
    ]
    return heavy[-1] if heavy else None
