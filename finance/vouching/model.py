"""Pure rules: a bank lends on the word of devices that it accepted itself, then and now, and on goods
that could not leave unseen."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from devices.messages import CLOCK_AHEAD_MAX, Unvouched, VouchedByOthers
from kernel.errors import Conflict
from twin.messages import (
    EXIT_ALARMS,
    UNHEARD_EXITS,
    AlarmRow,
    DeviceSpan,
    Grade,
    UnexplainedExit,
    UnitState,
    Witness,
)
from wms.messages import BlindSpan

DEVICES_SHOWN_MAX = 20
ALARMING_GRADES: frozenset[Grade] = frozenset({"check", "restrict", "freeze"})
SHOWN_MAX = 20


def require_own_look(facility_id: str, unvouched: Sequence[Unvouched], is_bank: bool) -> None:
    """Refuse, by Conflict, to move money on the word of devices that others accepted and the bank did not.

    `unvouched` are those that the bank does not vouch for. Who accepted them is told to the bank alone: the
    borrower (`is_bank` false) learns only which devices its bank has to look at.
    """
    against = [device for device in unvouched if device.is_evidence]
    if not against:
        return
    facts = {
        "facility_id": facility_id,
        "device_ids": [device.device_id for device in against[:DEVICES_SHOWN_MAX]],
        "count": len(against),
    }
    if is_bank:
        names = sorted({name for device in against for name in device.accepted_by})
        raise Conflict("facility.devices_not_accepted", accepted_by=names, **facts)
    raise Conflict("facility.devices_not_looked_at", **facts)


def require_own_sight(
    facility_id: str, doubted: Mapping[str, DeviceSpan], spans: Sequence[VouchedByOthers], is_bank: bool
) -> None:
    """Refuse, by Conflict, to move money on goods that count by what others alone vouched for, or that such a
    device may have hidden the loss of.

    `doubted` has for each of these units the span, one of `spans`, that puts it in doubt; the one that ended
    last is told, and to the bank alone who vouched then.
    """
    if not doubted:
        return
    last = max(doubted.values(), key=lambda span: (span.until, span.device_id))
    facts = {
        "facility_id": facility_id,
        "device_id": last.device_id,
        "since": last.since.isoformat(),
        "until": last.until.isoformat(),
        "unit_ids": sorted(doubted)[:SHOWN_MAX],
        "count": len(doubted),
    }
    if not is_bank:
        raise Conflict("facility.goods_to_be_seen_again", **facts)
    names = {
        name
        for span in spans
        if (span.device_id, span.since) == (last.device_id, last.since)
        for name in span.accepted_by
    }
    raise Conflict("facility.goods_vouched_by_others", accepted_by=sorted(names), **facts)


class Doubt(NamedTuple):
    """Something may have left by the gate from `since` to `until`. `why` is a kind of exit alarm, that the
    device on `mount_id` was `silent` or `not_accepted`, or that a layout `dropped` it."""

    gate_id: str
    mount_id: str | None
    why: str
    since: datetime
    until: datetime


def last_doubt(blind: Sequence[BlindSpan], exits: Sequence[UnexplainedExit]) -> Doubt | None:
    """What goods have to be seen after; None where nothing may have left unseen. A device's clock may be
    ahead: what was told before an exit may bear a moment up to `CLOCK_AHEAD_MAX` later."""
    doubts = [Doubt(span.gate_id, span.mount_id, span.why, span.since, span.until) for span in blind]
    doubts += [Doubt(out.gate_id, None, out.kind, out.since, out.until + CLOCK_AHEAD_MAX) for out in exits]
    return max(doubts, key=lambda doubt: doubt.until, default=None)


def require_seen_since(facility_id: str, doubt: Doubt, unseen: Sequence[str]) -> None:
    """Refuse, by Conflict, to move money on goods that were not heard, weighed or moved since something may
    have left unseen: neither a device that is back nor a person who clears an alarm says that they are
    there."""
    if not unseen:
        return
    facts = {
        "facility_id": facility_id,
        "gate_id": doubt.gate_id,
        "mount_id": doubt.mount_id,
        "since": doubt.since.isoformat(),
        "until": doubt.until.isoformat(),
        "unit_ids": list(unseen[:SHOWN_MAX]),
        "count": len(unseen),
    }
    if doubt.why == "silent":
        raise Conflict("facility.goods_unseen_since_silence", **facts)
    if doubt.why == "dropped":
        raise Conflict("facility.goods_unseen_since_layout", **facts)
    if doubt.why == "not_accepted":
        raise Conflict("facility.goods_unseen_since_acceptance", **facts)
    raise Conflict("facility.goods_unseen_since_exit", alarm_kind=doubt.why, **facts)


def require_watched(unwatched: Mapping[str, Sequence[str]]) -> None:
    """Refuse, by Conflict, a pledge or money while goods could leave unseen. `unwatched` are the gates of the
    site whose reader or lane scale is not accepted, not in service or not to be heard, each with their
    mounts."""
    if unwatched:
        mount_ids = sorted({mount_id for mounts in unwatched.values() for mount_id in mounts})
        raise Conflict("drawdown.gate_unwatched", gate_ids=sorted(unwatched), mount_ids=mount_ids)


def require_quiet(
    alarms: Sequence[AlarmRow], states: Sequence[UnitState], pledged: Mapping[str, str]
) -> None:
    """Refuse, by Conflict, money while an exit alarm on pledged goods is active, however mild above a note.

    `alarms` are the site's active ones, `states` those of the pledged units, `pledged` maps each of these to
    its lot. Of what may have left unheard nobody knows which goods it was: such an alarm concerns all that is
    pledged here. Another that names no unit concerns its lots. A unit marked by an alarm that is not among
    those given counts as alarmed: silence is no all-clear.
    """
    exits = [alarm for alarm in alarms if alarm.kind in EXIT_ALARMS and alarm.grade in ALARMING_GRADES]
    lots = set(pledged.values())
    alarm_ids = sorted(
        alarm.alarm_id
        for alarm in exits
        if (pledged and alarm.kind in UNHEARD_EXITS)
        or not pledged.keys().isdisjoint(alarm.unit_ids)
        or (not alarm.unit_ids and lots & set(alarm.lot_ids))
    )
    explained = {unit_id for alarm in alarms for unit_id in alarm.unit_ids}
    unit_ids = {unit_id for alarm in exits for unit_id in alarm.unit_ids} & pledged.keys()
    unit_ids |= {
        state.unit_id
        for state in states
        if state.alarm_grade in ALARMING_GRADES and state.unit_id not in explained
    }
    if alarm_ids or unit_ids:
        shown = sorted(unit_ids)[:SHOWN_MAX]
        raise Conflict("drawdown.alarm_active", alarm_ids=alarm_ids[:SHOWN_MAX], unit_ids=shown)


def is_own(witness: Witness, spans: Sequence[VouchedByOthers]) -> bool:
    """Whether the device was no other's alone when it told this; `spans` are those of others alone."""
    return not any(
        span.device_id == witness.device_id and span.since <= witness.at <= span.until for span in spans
    )


def require_own_witnesses(witnesses: Collection[Witness], spans: Sequence[VouchedByOthers]) -> None:
    """Refuse, by Conflict, evidence of devices that others alone vouched for when they told it."""
    if strange := [witness for witness in witnesses if not is_own(witness, spans)]:
        raise Conflict(
            "thaw.evidence_of_others",
            evidence_ids=[witness.observation_id for witness in strange[:SHOWN_MAX]],
            device_ids=sorted({witness.device_id for witness in strange})[:DEVICES_SHOWN_MAX],
        )
