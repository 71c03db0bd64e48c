"""Keeping one alarm per incident: raised, made graver, brought up to date, withdrawn."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from kernel.messages import device_of
from kernel.tx import Row, Tx
from twin.alarms import store
from twin.alarms.model import Judgement, grade_rises
from twin.messages import (
    AlarmCleared,
    AlarmEvidence,
    AlarmKind,
    AlarmRaised,
    Modality,
)

EXIT_KINDS: tuple[AlarmKind, ...] = ("exit_without_release", "exit_mass_differs")
WITHDRAWN = "withdrawn"
DERIVED = ("kind", "grade", "vehicle_id", "lot_ids", "unit_ids", "first_at", "last_at", "facts", "evidence")
"""What of an alarm follows from evidence; the rest is what people did."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What was derived: a judgement, about whom, where and when."""

    judgement: Judgement
    subject: str
    gate_id: str | None
    vehicle_id: str | None
    first_at: datetime
    last_at: datetime
    facts: Row
    evidence: list[AlarmEvidence]


def where(
    site_id: str,
    subject: str,
    vehicle_id: str | None,
    period: tuple[datetime, datetime],
    unit_ids: Collection[str] = (),
) -> Row:
    """By what the alarm of an incident is known again: its subject, its vehicle and its time."""
    return {
        "site_id": site_id,
        "subject": subject,
        "vehicle_id": vehicle_id,
        "first_at": period[0],
        "last_at": period[1],
        "unit_ids": sorted(unit_ids),
    }


def evidence(observation_id: str, modality: Modality, at: datetime, summary: str) -> AlarmEvidence:
    return AlarmEvidence(
        observation_id=observation_id,
        device_id=device_of(observation_id),
        modality=modality,
        at=at,
        summary=summary,
    )


async def keep_unheard(
    tx: Tx,
    site_id: str,
    gate_id: str,
    period: tuple[datetime, datetime],
    *,
    kind: AlarmKind,
    reason: str,
    lot_ids: Sequence[str],
    told: Sequence[AlarmEvidence],
    exit_g: int | None,
    vehicle_id: str | None = None,
    facts: Mapping[str, str] = {},
    kept: set[str] | None = None,
) -> None:
    """Keep one alarm of grade `check`, which names no unit, of something that left through a gate unheard.

    `lot_ids` are those of which something may be aboard, `exit_g` is what was weighed, None when nothing was.
    """
    judgement = Judgement(
        kind=kind,
        grade="check",
        unit_ids=[],
        lot_ids=sorted(lot_ids),
        modalities=list(dict.fromkeys(item.modality for item in told if item.modality)),
        reasons=[reason],
        taken_g=None,
    )
    incident = Incident(
        judgement=judgement,
        subject=gate_id,
        gate_id=gate_id,
        vehicle_id=vehicle_id,
        first_at=period[0],
        last_at=period[1],
        facts={
            "gate_id": gate_id,
            "plate": "",
            "units": 0,
            "reasons": judgement.reasons,
            "modalities": judgement.modalities,
            "exit_g": exit_g,
            "outcome": "left",
            **facts,
        },
        evidence=list(told),
    )
    await keep(tx, site_id, where(site_id, gate_id, vehicle_id, period), incident, kept)


async def keep(
    tx: Tx, site_id: str, known_by: Row, incident: Incident, kept: set[str] | None = None
) -> set[str]:
    """One alarm per incident: a new one, or the known one brought up to date. Returns units concerned."""
    kinds = EXIT_KINDS if incident.judgement.kind in EXIT_KINDS else (incident.judgement.kind,)
    known = await store.alarms_at(tx, known_by, kinds)
    before = known[0] if known else None
    concerned = await withdraw(tx, known[1:], incident.vehicle_id)
    alarm = _alarm(site_id, incident, before, tx)
    if kept is not None:
        kept.add(alarm["alarm_id"])
    if before is None:
        await store.insert_alarm(tx, alarm)
        tx.emit(raised(alarm))
        return concerned | set(alarm["unit_ids"])
    was_withdrawn = before["state"] == "cleared" and before["cleared_by"] == ""
    if not was_withdrawn and all(alarm[name] == before[name] for name in DERIVED):
        return concerned
    is_graver = grade_rises(before["grade"], alarm["grade"]) or bool(
        set(alarm["unit_ids"]) - set(before["unit_ids"])
    )
    reopen = was_withdrawn or (before["state"] == "cleared" and is_graver)
    await store.update_alarm(tx, alarm, reopen=reopen)
    if reopen or (is_graver and before["state"] == "active"):
        tx.emit(raised(alarm))
    return concerned | set(alarm["unit_ids"]) | set(before["unit_ids"])


def _alarm(site_id: str, incident: Incident, before: Row | None, tx: Tx) -> Row:
    return {
        "alarm_id": before["alarm_id"] if before is not None else tx.ids.new("alarm"),
        "site_id": site_id,
        "kind": incident.judgement.kind,
        "subject": incident.subject,
        "grade": incident.judgement.grade,
        "gate_id": incident.gate_id,
        "vehicle_id": incident.vehicle_id,
        "lot_ids": incident.judgement.lot_ids,
        "unit_ids": incident.judgement.unit_ids,
        "first_at": incident.first_at,
        "last_at": incident.last_at,
        "raised_at": tx.now,
        "facts": incident.facts,
        "evidence": [msgspec.to_builtins(item) for item in incident.evidence],
    }


def raised(alarm: Row) -> AlarmRaised:
    """What is told of a row of an alarm."""
    return AlarmRaised(
        alarm_id=alarm["alarm_id"],
        site_id=alarm["site_id"],
        kind=alarm["kind"],
        grade=alarm["grade"],
        lot_ids=alarm["lot_ids"],
        unit_ids=alarm["unit_ids"],
        evidence_ids=[item["observation_id"] for item in alarm["evidence"] if item["observation_id"]],
        raised_at=alarm["raised_at"],
        facts=alarm["facts"],
        gate_id=alarm["gate_id"],
        vehicle_id=alarm["vehicle_id"],
    )


async def withdraw(tx: Tx, alarms: Sequence[Row], vehicle_id: str | None) -> set[str]:
    """Close alarms of this vehicle (or of none) whose ground later evidence took away."""
    concerned: set[str] = set()
    for alarm in alarms:
        if alarm["vehicle_id"] not in {vehicle_id, None} or alarm["state"] != "active":
            continue
        await close(tx, alarm["alarm_id"], by="", reason=WITHDRAWN)
        concerned |= set(alarm["unit_ids"])
    return concerned


async def close(tx: Tx, alarm_id: str, *, by: str, reason: str) -> None:
    """Close an active alarm and tell it; one that is closed already stays as it was."""
    alarm = await store.alarm_site(tx, alarm_id)
    assert alarm is not None, "an alarm being cleared exists"
    if await store.clear_alarm(tx, alarm_id, by, reason):
        cleared = AlarmCleared(
            alarm_id=alarm_id, site_id=alarm["site_id"], cleared_at=tx.now, cleared_by=by, reason=reason
        )
        tx.emit(cleared)
