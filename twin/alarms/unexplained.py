"""Passages over the loop of a gate that no known vehicle made: whatever passed, no reader heard it.

They are looked for by the clock and not by the fold: that nothing explains a passage shows only when nothing
more is heard. The barrier alone saw it: grade `check`, one alarm a passage, withdrawn when a vehicle becomes
known that made it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from kernel.tx import Tx
from twin.alarms import store
from twin.alarms.incidents import evidence, keep_unheard, where, withdraw
from twin.messages import AlarmKind
from twin.presence.model import PASSAGE
from twin.visits.model import WEIGHED_WITHIN, Pass, Weighing, passes_of
from twin.visits.store import barrier_changes, weighings_at

KIND: Final[AlarmKind] = "passage_unexplained"
LOOK_BACK = timedelta(hours=2)
"""What a barrier tells later comes after a silence, for which alone goods have to be seen again."""
SETTLES = timedelta(minutes=2)
"""So long after a passage its vehicle was heard on the other side, and the loop's reports have come."""
COUPLED = timedelta(seconds=2)
"""A lorry and its trailer free the loop for no longer between them."""
HEAVY_G = 1_000_000
"""What weighs less on the lane's scale is no vehicle with goods."""


class Crossing(NamedTuple):
    """A known vehicle went through the gate at about `at`: over the loop between the other two moments."""

    first_at: datetime
    last_at: datetime
    at: datetime


async def gates_passed(tx: Tx) -> list[tuple[str, str]]:
    """Sites and gates of which a barrier that was accepted felt something on its loop lately."""
    return await store.loops_felt(tx, tx.now - LOOK_BACK)


async def judge_passages(tx: Tx, site_id: str, gate_id: str, lot_ids: Sequence[str]) -> None:
    """Keep one alarm for each passage of the last `LOOK_BACK` through the gate that no known vehicle explains
    `SETTLES` after it. `lot_ids` are those of which something may have gone."""
    since = tx.now - LOOK_BACK
    changes = await barrier_changes(tx, site_id, gate_id, since)
    told = coupled(passed for passed in passes_of(changes) if passed.is_accepted)
    crossings = await _crossings(tx, site_id, gate_id, since)
    settled = [passed for passed in unexplained(told, crossings) if tx.now - passed.freed_at >= SETTLES]
    kept: set[str] = set()
    for passed in settled:
        await _keep(tx, site_id, passed, lot_ids, kept)
    known = await store.alarms_at(tx, where(site_id, gate_id, None, (since, tx.now)), [KIND])
    seen_whole = [alarm for alarm in known if alarm["first_at"] >= since and alarm["alarm_id"] not in kept]
    await withdraw(tx, seen_whole, None)


def coupled(passes: Iterable[Pass]) -> list[Pass]:
    """Passages in order of time, those of what is coupled together as one."""
    found: list[Pass] = []
    for passed in sorted(passes, key=lambda passed: passed.freed_at):
        if found and passed.occupied_at - found[-1].freed_at <= COUPLED:
            ids = [found[-1].evidence_ids[0], passed.evidence_ids[-1]]
            found[-1] = replace(found[-1], freed_at=passed.freed_at, evidence_ids=ids)
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


async def _crossings(tx: Tx, site_id: str, gate_id: str, since: datetime) -> list[Crossing]:
    """Of vehicles that left by the loop: that very moment. Of others the time in which they may have passed
    it; one that was heard outside on its way in may yet be on its way for a while."""
    rows = await store.vehicles_through(tx, site_id, gate_id, since - PASSAGE, tx.now - PASSAGE)
    return [
        Crossing(row["at"], row["at"], row["at"])
        if row["has_left"]
        else Crossing(row["first_at"] - WEIGHED_WITHIN, row["at"] + WEIGHED_WITHIN, row["at"])
        for row in rows
    ]


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
