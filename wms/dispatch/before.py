"""What stands before a gate on its way out and may not leave: a boom raised for anything lets it out."""

from datetime import timedelta

from kernel.tx import Tx
from twin import api as twin
from twin.messages import EXIT_ALARMS, UNHEARD_EXITS, AlarmRow
from wms.dispatch import store
from wms.dispatch.model import unreleased
from wms.stock import store as stock

BACK_OR_GONE = frozenset({"inside", "returned", "left"})
"""States in the twin of a vehicle, and outcomes in the facts of an alarm, by which what came to a gate on its
way out stands there no more."""
MAY_HIDE_GOODS = frozenset(
    {
        "gate.too_heavy",
        "gate.tags_unread",
        "gate.untagged_load",
        "gate.heavier_than_empty",
        "gate.not_weighed",
    }
)
"""Refusals by which something may be aboard that no reader heard."""
MAY_TAKE_GOODS = MAY_HIDE_GOODS | {"gate.no_visit", "gate.no_entry_mass", "gate.never_weighed_empty"}
"""Refusals after which a vehicle that leaves all the same may take such goods away: also those of vehicles of
which nobody knows what they weighed before, or what they weigh empty."""
GONE_AFTER = timedelta(minutes=10)
"""A vehicle that was heard outside and then not for so long stands there no more: it has left."""
STANDS_LASTS = timedelta(hours=24)
"""Held goods that were heard outside longer ago, with no vehicle known, are not taken to stand there still;
the alarm about them keeps the gate from being opened by hand until it is cleared."""


async def exit_alarms(tx: Tx, site_id: str, gate_id: str) -> list[AlarmRow]:
    """The active alarms about what went out through the gate. One about a load unheard is over for the gate
    when its vehicle has left or turned back: it is closed only once what is on hold was seen again."""
    return [
        alarm
        for alarm in await twin.alarms(tx, site_id, active_only=True)
        if alarm.gate_id == gate_id
        and alarm.kind in EXIT_ALARMS
        and not (alarm.kind in UNHEARD_EXITS and _is_over(alarm))
    ]


def _is_over(alarm: AlarmRow) -> bool:
    return alarm.facts.get("outcome") in BACK_OR_GONE


async def alarms_before(tx: Tx, site_id: str, gate_id: str) -> list[str]:
    """The active alarms about held goods that went out through the gate lately and, as far as anybody knows,
    stand before it still."""
    held = set(await stock.held_units(tx, site_id))
    return [
        alarm.alarm_id
        for alarm in await exit_alarms(tx, site_id, gate_id)
        if not _is_over(alarm)
        and tx.now - alarm.raised_at <= STANDS_LASTS
        and not held.isdisjoint(alarm.unit_ids)
    ]


async def goods_before(tx: Tx, site_id: str, gate_id: str) -> list[str]:
    """Units and unknown tags that stand before the gate on their way out and that no release lets out: those
    heard with a vehicle, and those under a hold that were heard outside, whatever carries them."""
    goods = set(await _held_outside(tx, site_id, gate_id))
    for seen in await store.outward(tx, site_id, gate_id):
        vehicle = await twin.vehicle_state(tx, seen.vehicle_id)
        if vehicle is None or vehicle.state not in BACK_OR_GONE:
            releases = await store.lock_live_of_vehicle(tx, site_id, seen.vehicle_id)
            goods |= set(unreleased(seen, [release for release, _ in releases], tx.now))
    return sorted(goods)


async def suspects_before(tx: Tx, site_id: str, gate_id: str) -> list[str]:
    """Vehicles that stand before the gate on their way out and that it refused because goods may be aboard
    that it did not hear."""
    standing = [
        seen.vehicle_id
        for seen in await store.outward(tx, site_id, gate_id)
        if (
            (vehicle := await twin.vehicle_state(tx, seen.vehicle_id)) is None
            or vehicle.state not in BACK_OR_GONE
        )
        and await twin.gone_unheard(tx, seen.vehicle_id, tx.now - GONE_AFTER) is None
    ]
    decided = await store.last_out(tx, site_id, gate_id, standing)
    return [row["vehicle_id"] for row in decided if row["reason_key"] in MAY_HIDE_GOODS]


async def _held_outside(tx: Tx, site_id: str, gate_id: str) -> list[str]:
    """Held units that the twin saw go out by this gate lately, and saw neither leave nor come back."""
    units = await twin.unit_states(tx, await stock.held_units(tx, site_id))
    away = [unit.unit_id for unit in units if unit.level == "missing" and unit.place == "gate"]
    return [unit_id for unit_id in away if await _was_heard_outside(tx, site_id, gate_id, unit_id)]


async def _was_heard_outside(tx: Tx, site_id: str, gate_id: str, unit_id: str) -> bool:
    detail = await twin.unit_detail(tx, site_id, unit_id)
    return any(
        (seen.facts.get("gate_id"), seen.facts.get("side")) == (gate_id, "outside")
        and tx.now - seen.at <= STANDS_LASTS
        for seen in detail.sightings
    )
