"""Freezing on alarms or by hand, and thawing by two people."""

from collections.abc import Sequence

import msgspec

from finance.collateral import store as collateral_store
from finance.collateral.handlers import revalue
from finance.facilities import store as facility_store
from finance.facilities.handlers import FacilityAnswer, lock_facility, require_bank
from finance.facilities.model import Facility, require_reason, require_second_person
from finance.freezes import model, store
from finance.freezes.model import Freeze
from finance.messages import (
    ApproveThaw,
    FacilityFrozen,
    FacilityThawed,
    FreezeFacility,
    ProposeThaw,
    RefuseThaw,
)
from finance.vouching.handlers import require_own_look, require_own_witnesses
from kernel.errors import Conflict, NotFound
from kernel.tx import Row, Tx
from twin.api import alarms, unit_states, witnesses
from twin.messages import AlarmRaised, AlarmRow, Witness
from wms.api import free_units


class ThawAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a proposal leaves: where to read it."""

    thaw_id: str
    facility_id: str


async def on_alarm_raised(event: AlarmRaised, tx: Tx) -> None:
    """Freeze every facility whose pledged stock an alarm of grade freeze concerns. Milder ones do nothing."""
    if event.grade != model.FREEZING_GRADE:
        return
    concerned = await collateral_store.facilities_concerned(tx, event.site_id, event.lot_ids, event.unit_ids)
    if not concerned:
        return
    raised = await alarms(tx, event.site_id)
    alarm = next((row for row in raised if row.alarm_id == event.alarm_id), None)
    for facility_id, unit_ids in concerned.items():
        facility = await lock_facility(tx, facility_id)
        earlier = await store.freezes_of_alarm(tx, facility_id, event.alarm_id)
        occurrence = model.next_occurrence(earlier, unit_ids)
        if occurrence is not None:
            await _freeze(tx, facility, _from_alarm(tx, facility_id, event, alarm, unit_ids, occurrence))


def _from_alarm(
    tx: Tx,
    facility_id: str,
    event: AlarmRaised,
    alarm: AlarmRow | None,
    unit_ids: Sequence[str],
    occurrence: int,
) -> Freeze:
    """The alarm as it stands, copied: later changes to it do not change why the facility was frozen."""
    evidence = (
        tuple(msgspec.to_builtins(item) for item in alarm.evidence)
        if alarm is not None and alarm.evidence
        else model.evidence_from_ids(event.evidence_ids)
    )
    return Freeze(
        freeze_id=tx.ids.new("freeze"),
        facility_id=facility_id,
        alarm_id=event.alarm_id,
        occurrence=occurrence,
        reason_key=alarm.text_key if alarm is not None else f"alarm.{event.kind}",
        facts={
            **(alarm.facts if alarm is not None else event.facts),
            "gate_id": event.gate_id,
            "vehicle_id": event.vehicle_id,
            "lot_ids": list(event.lot_ids),
            "raised_at": event.raised_at.isoformat(),
        },
        unit_ids=tuple(unit_ids),
        evidence=evidence,
        frozen_at=tx.now,
    )


async def freeze_facility(command: FreezeFacility, tx: Tx) -> FacilityAnswer:
    """An officer freezes the bank's facility, saying why. Freezing a frozen one adds the reason."""
    require_reason(command.reason)
    facility = await lock_facility(tx, command.facility_id)
    require_bank(facility, tx)
    freeze = Freeze(
        freeze_id=tx.ids.new("freeze"),
        facility_id=facility.facility_id,
        alarm_id=None,
        occurrence=1,
        reason_key="freeze.by_officer",
        facts={"reason": command.reason, "by": tx.caller.person_id},
        unit_ids=(),
        evidence=(),
        frozen_at=tx.now,
    )
    await _freeze(tx, facility, freeze)
    return FacilityAnswer(facility_id=facility.facility_id)


async def _freeze(tx: Tx, facility: Facility, freeze: Freeze) -> None:
    if facility.state == "closed":
        return
    await store.insert_freeze(tx, freeze)
    await store.supersede(tx, facility.facility_id)
    await facility_store.set_state(tx, facility.facility_id, "frozen")
    facts = {
        "freeze_id": freeze.freeze_id,
        "alarm_id": freeze.alarm_id,
        "reason_key": freeze.reason_key,
        "units": len(freeze.unit_ids),
        **{name: freeze.facts[name] for name in model.TOLD if freeze.facts.get(name)},
    }
    await facility_store.append(tx, facility.facility_id, "frozen", facts)
    tx.emit(
        FacilityFrozen(
            site_id=facility.site_id,
            facility_id=facility.facility_id,
            freeze_id=freeze.freeze_id,
            alarm_id=freeze.alarm_id,
            reason_key=freeze.reason_key,
            unit_ids=freeze.unit_ids,
            evidence_ids=tuple(str(item["observation_id"]) for item in freeze.evidence),
            frozen_at=tx.now,
        )
    )


async def propose_thaw(command: ProposeThaw, tx: Tx) -> ThawAnswer:
    """Propose to thaw, on evidence that the pledged stock is there again; where nothing is pledged, for the
    stated reason alone.

    NotFound for another bank's facility; Conflict when it is not frozen, a proposal is open, or the evidence
    is not newer than the freeze, does not show the units on site, is of a device that other banks alone
    vouched for then, or lacks one of the units that the facility was frozen for and that are not given up as
    lost, or when one of these is on site; Invalid when an observation named is of none of the pledged units.
    """
    require_reason(command.reason)
    facility = await lock_facility(tx, command.facility_id)
    require_bank(facility, tx)
    if facility.state != "frozen":
        raise Conflict("thaw.not_frozen", facility_id=facility.facility_id, state=facility.state)
    freezes = (await store.standing_freezes(tx, [facility.facility_id]))[facility.facility_id]
    lost = list(dict.fromkeys(command.lost_unit_ids))
    evidence = await _require_evidence(tx, facility, command.evidence_ids, lost, freezes)
    thaw_id = tx.ids.new("thaw")
    row = {
        **msgspec.structs.asdict(command),
        "evidence_ids": [item.observation_id for item in evidence],
        "lost_unit_ids": lost,
    }
    thaw = {**row, "thaw_id": thaw_id, "freezes_through": freezes[-1].position}
    if not await store.insert_thaw(tx, thaw, evidence):
        raise Conflict("thaw.already_proposed", facility_id=facility.facility_id)
    facts = {
        "thaw_id": thaw_id,
        "reason": command.reason,
        "evidence_ids": row["evidence_ids"],
        "lost_unit_ids": lost,
    }
    await facility_store.append(tx, facility.facility_id, "thaw_proposed", facts)
    return ThawAnswer(thaw_id=thaw_id, facility_id=facility.facility_id)


async def _require_evidence(
    tx: Tx,
    facility: Facility,
    evidence_ids: Sequence[str],
    lost: Sequence[str],
    freezes: Sequence[Freeze],
) -> list[Witness]:
    """What the observations named say of the pledged units that are not lost, each once, in the order
    given."""
    named = list(dict.fromkeys(evidence_ids))
    pledged = sorted(await collateral_store.lots_of_pledged_units(tx, facility.facility_id))
    here = [state.unit_id for state in await unit_states(tx, lost) if state.modalities]
    model.require_lost(lost, pledged, here)
    pledged = sorted(set(pledged) - set(lost))
    if not named and not pledged:
        return []
    found = {item.observation_id: item for item in await witnesses(tx, pledged, named)}
    model.require_thawing_evidence(named, found, freezes)
    evidence = [found[name] for name in named]
    await require_own_witnesses(tx, facility, evidence)
    model.require_all_shown(evidence, freezes, pledged)
    return evidence


async def _open_thaw(tx: Tx, thaw_id: str) -> tuple[Row, Facility]:
    """The proposal and its facility, locked. NotFound for another bank's."""
    thaw = await store.find_thaw(tx, thaw_id)
    if thaw is None:
        raise NotFound("thaw.unknown", thaw_id=thaw_id)
    facility = await lock_facility(tx, thaw["facility_id"])
    if facility.bank_party_id != tx.caller.party_id:
        raise NotFound("thaw.unknown", thaw_id=thaw_id)
    return thaw, facility


async def approve_thaw(command: ApproveThaw, tx: Tx) -> FacilityAnswer:
    """A second person of the bank thaws the facility, on the same evidence, looked at again. What is given up
    as lost leaves the pledges' count and their holds for good, so that the keeper can count it out.

    NotFound for another bank's proposal; Forbidden for the one who proposed it; Conflict when it was decided
    before, a newer freeze overtook it, units it rests on have gone out since, or the bank did not accept the
    devices that are evidence there.
    """
    thaw, facility = await _open_thaw(tx, command.thaw_id)
    require_second_person(thaw["proposed_by"], tx.caller.person_id, "thaw.own_proposal")
    freezes = (await store.standing_freezes(tx, [facility.facility_id]))[facility.facility_id]
    if not await store.approve(tx, command.thaw_id):
        raise Conflict("thaw.decided", thaw_id=command.thaw_id)
    await require_own_look(tx, facility)
    lost = thaw["lost_unit_ids"]
    await _require_evidence(tx, facility, thaw["evidence_ids"], lost, freezes)
    given_up = await collateral_store.give_up(tx, facility.facility_id, lost, command.thaw_id)
    for hold_id, unit_ids in given_up.items():
        await free_units(tx, hold_id, unit_ids)
    await facility_store.set_state(tx, facility.facility_id, "open")
    facts = {
        "thaw_id": command.thaw_id,
        "proposed_by": thaw["proposed_by"],
        "evidence_ids": thaw["evidence_ids"],
        "lost_unit_ids": lost,
    }
    await facility_store.append(tx, facility.facility_id, "thawed", facts)
    await revalue(tx, facility, "thaw")
    tx.emit(
        FacilityThawed(
            site_id=facility.site_id,
            facility_id=facility.facility_id,
            thaw_id=command.thaw_id,
            evidence_ids=tuple(thaw["evidence_ids"]),
            thawed_at=tx.now,
        )
    )
    return FacilityAnswer(facility_id=facility.facility_id)


async def refuse_thaw(command: RefuseThaw, tx: Tx) -> FacilityAnswer:
    """The bank declines a proposal, or takes it back: another may be made.

    NotFound for another bank's; Conflict when it was decided before or a newer freeze overtook it.
    """
    require_reason(command.reason)
    thaw, facility = await _open_thaw(tx, command.thaw_id)
    if not await store.refuse(tx, command.thaw_id, command.reason):
        raise Conflict("thaw.decided", thaw_id=command.thaw_id)
    facts = {"thaw_id": command.thaw_id, "proposed_by": thaw["proposed_by"], "reason": command.reason}
    await facility_store.append(tx, facility.facility_id, "thaw_refused", facts)
    return FacilityAnswer(facility_id=facility.facility_id)
