"""SQL of freezes and thaws."""

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from finance.freezes.model import Freeze
from kernel.tx import ReadTx, Row, Tx
from twin.messages import Witness

INSERT_FREEZE = """
    INSERT INTO finance.freeze
        (freeze_id, facility_id, alarm_id, occurrence, reason_key, facts, unit_ids, evidence, frozen_at,
         frozen_by)
    VALUES (%(freeze_id)s, %(facility_id)s, %(alarm_id)s, %(occurrence)s, %(reason_key)s, %(facts)s,
        %(unit_ids)s, %(evidence)s, %(frozen_at)s, %(by_person)s)"""
COLUMNS = """freeze_id, facility_id, alarm_id, occurrence, reason_key, facts, unit_ids, evidence, frozen_at,
    position"""
OF_ALARM = f"""
    SELECT {COLUMNS} FROM finance.freeze
    WHERE facility_id = %(facility_id)s AND alarm_id = %(alarm_id)s ORDER BY occurrence"""  # noqa: S608
# What a frozen facility is frozen for: everything since it was last thawed.
STANDING = f"""
    SELECT {COLUMNS} FROM finance.freeze f
    WHERE facility_id = ANY(%(facility_ids)s) AND position > coalesce(
        (SELECT max(t.freezes_through) FROM finance.thaw t
         WHERE t.facility_id = f.facility_id AND t.approved_at IS NOT NULL), 0)
    ORDER BY facility_id, position"""  # noqa: S608
INSERT_THAW = """
    INSERT INTO finance.thaw
        (thaw_id, facility_id, freezes_through, reason, evidence_ids, evidence, lost_unit_ids, proposed_by,
         proposed_at)
    VALUES (%(thaw_id)s, %(facility_id)s, %(freezes_through)s, %(reason)s, %(evidence_ids)s, %(evidence)s,
        %(lost_unit_ids)s, %(by_person)s, %(now)s)
    ON CONFLICT (facility_id) WHERE approved_at IS NULL AND superseded_at IS NULL DO NOTHING"""
FIND_THAW = "SELECT * FROM finance.thaw WHERE thaw_id = %(thaw_id)s"
APPROVE = """
    UPDATE finance.thaw SET approved_by = %(by_person)s, approved_at = %(now)s
    WHERE thaw_id = %(thaw_id)s AND approved_at IS NULL AND superseded_at IS NULL"""
REFUSE = """
    UPDATE finance.thaw SET refused_by = %(by_person)s, refusal = %(reason)s, superseded_at = %(now)s
    WHERE thaw_id = %(thaw_id)s AND approved_at IS NULL AND superseded_at IS NULL"""
SUPERSEDE = """
    UPDATE finance.thaw SET superseded_at = %(now)s
    WHERE facility_id = %(facility_id)s AND approved_at IS NULL AND superseded_at IS NULL"""
OPEN_THAWS = """
    SELECT facility_id, thaw_id, proposed_by, proposed_at, reason, evidence_ids, evidence, lost_unit_ids
    FROM finance.thaw
    WHERE facility_id = ANY(%(facility_ids)s) AND approved_at IS NULL AND superseded_at IS NULL"""


async def insert_freeze(tx: Tx, freeze: Freeze) -> None:
    row = {
        **msgspec.structs.asdict(freeze),
        "unit_ids": list(freeze.unit_ids),
        "facts": Jsonb(freeze.facts),
        "evidence": Jsonb(freeze.evidence),
        "by_person": tx.caller.person_id,
    }
    await tx.run(INSERT_FREEZE, row)


async def freezes_of_alarm(tx: Tx, facility_id: str, alarm_id: str) -> list[Freeze]:
    rows = await tx.rows(OF_ALARM, {"facility_id": facility_id, "alarm_id": alarm_id})
    return msgspec.convert(rows, list[Freeze])


async def standing_freezes(read: ReadTx, facility_ids: Sequence[str]) -> dict[str, list[Freeze]]:
    """Per facility, oldest first, the freezes since its last thaw; none for a facility never frozen."""
    found: dict[str, list[Freeze]] = {facility_id: [] for facility_id in facility_ids}
    for row in await read.rows(STANDING, {"facility_ids": list(facility_ids)}):
        found[row["facility_id"]].append(msgspec.convert(row, Freeze))
    return found


async def insert_thaw(tx: Tx, row: dict[str, Any], evidence: Sequence[Witness]) -> bool:
    """False when a proposal is open already."""
    told = Jsonb(msgspec.to_builtins(evidence))
    kept = {**row, "evidence": told, "by_person": tx.caller.person_id, "now": tx.now}
    return await tx.run(INSERT_THAW, kept) == 1


async def find_thaw(read: ReadTx, thaw_id: str) -> Row | None:
    return await read.row(FIND_THAW, {"thaw_id": thaw_id})


async def approve(tx: Tx, thaw_id: str) -> bool:
    """False when it was decided before, or overtaken by a newer freeze."""
    row = {"thaw_id": thaw_id, "by_person": tx.caller.person_id, "now": tx.now}
    return await tx.run(APPROVE, row) == 1


async def refuse(tx: Tx, thaw_id: str, reason: str) -> bool:
    """False when it was decided before, or overtaken by a newer freeze."""
    row = {"thaw_id": thaw_id, "reason": reason, "by_person": tx.caller.person_id, "now": tx.now}
    return await tx.run(REFUSE, row) == 1


async def supersede(tx: Tx, facility_id: str) -> None:
    """A new freeze overtakes an open proposal: it was made without knowing."""
    await tx.run(SUPERSEDE, {"facility_id": facility_id, "now": tx.now})


async def open_thaws(read: ReadTx, facility_ids: Sequence[str]) -> dict[str, Row]:
    rows = await read.rows(OPEN_THAWS, {"facility_ids": list(facility_ids)})
    return {row["facility_id"]: row for row in rows}
