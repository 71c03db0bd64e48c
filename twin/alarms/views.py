"""Reads of alarms."""

from collections.abc import Mapping

import msgspec

from identity.api import names_of
from kernel.geometry import Point
from kernel.tx import ReadTx, Row, Tx
from twin.alarms.model import text_key_of
from twin.layout.store import site_map
from twin.messages import UNHEARD_EXITS, AlarmEvidence, AlarmRow, UnexplainedExit

ALARMS_MAX = 5_000
OF_VEHICLES = frozenset({"plate", "expected_g", "exit_g", "entry_g", "net_g", "taken_g"})
"""Facts of an alarm that tell of the vehicle: its keeper's matter, and of those whose goods are on it."""
COLUMNS = """alarm_id, site_id, kind, grade, state, acknowledged_at, acknowledged_by, raised_at, cleared_at,
    cleared_by, clear_reason, gate_id, vehicle_id, facts, evidence,
    site_id IN (SELECT identity.visible_subjects()) AS sees_site,
    ARRAY(SELECT l.lot_id FROM twin.lot l WHERE l.lot_id = ANY (alarm.lot_ids) ORDER BY 1) AS lot_ids,
    ARRAY(SELECT u.unit_id FROM twin.unit u WHERE u.unit_id = ANY (alarm.unit_ids) ORDER BY 1) AS unit_ids,
    ARRAY(SELECT u.epc_hex FROM twin.unit u
        WHERE u.unit_id = ANY (alarm.unit_ids) AND u.epc_hex IS NOT NULL) AS tags"""
# Newest first; lots, units and tags are those the reader may see, not all of the alarm.
ALARMS = f"""
    SELECT {COLUMNS} FROM twin.alarm
    WHERE site_id = %(site_id)s AND (NOT %(active_only)s OR state = 'active')
        AND (%(before)s::text IS NULL OR alarm_id < %(before)s)
    ORDER BY alarm_id DESC LIMIT %(limit)s"""  # noqa: S608
CHANGED = f"""
    SELECT {COLUMNS} FROM twin.alarm
    WHERE site_id = %(site_id)s
        AND changed_xid >= %(xid_from)s::text::xid8 AND changed_xid < %(xid_to)s::text::xid8
    ORDER BY alarm_id"""  # noqa: S608
# In any state, for a person who clears one has not looked for all goods; but what later evidence took the
# ground of, and whose vehicle stayed, is none.
UNEXPLAINED_EXITS = """
    SELECT kind, gate_id, first_at AS since, last_at AS until FROM twin.alarm
    WHERE site_id = %(site_id)s AND kind = ANY (%(kinds)s) AND grade <> 'note' AND gate_id IS NOT NULL
        AND coalesce(cleared_by, '-') <> ''
        AND coalesce(facts ->> 'outcome', '') NOT IN ('returned', 'inside')
    ORDER BY last_at, alarm_id"""
ONE = f"SELECT {COLUMNS} FROM twin.alarm WHERE alarm_id = %(alarm_id)s"  # noqa: S608


async def alarms(
    read: ReadTx,
    site_id: str,
    *,
    active_only: bool = False,
    before: str | None = None,
    limit: int = ALARMS_MAX,
) -> list[AlarmRow]:
    """See `twin.api.alarms`; `before` is the id of the last alarm of the page before."""
    named = {"site_id": site_id, "active_only": active_only, "before": before, "limit": limit}
    return await _rows(read, site_id, await read.rows(ALARMS, named))


async def alarms_changed(read: ReadTx, site_id: str, xid_from: int, xid_to: int) -> list[AlarmRow]:
    """See `twin.api.alarms_changed`."""
    span = {"site_id": site_id, "xid_from": xid_from, "xid_to": xid_to}
    return await _rows(read, site_id, await read.rows(CHANGED, span))


async def alarm(read: ReadTx, alarm_id: str) -> AlarmRow | None:
    """One alarm, or None when the reader may not see it."""
    rows = await read.rows(ONE, {"alarm_id": alarm_id})
    found = await _rows(read, rows[0]["site_id"], rows) if rows else []
    return found[0] if found else None


async def unexplained_exits(tx: Tx, site_id: str) -> list[UnexplainedExit]:
    """See `twin.api.unexplained_exits`."""
    rows = await tx.rows(UNEXPLAINED_EXITS, {"site_id": site_id, "kinds": sorted(UNHEARD_EXITS)})
    return [msgspec.convert(row, UnexplainedExit) for row in rows]


async def _rows(read: ReadTx, site_id: str, rows: list[Row]) -> list[AlarmRow]:
    if not rows:
        return []
    points = await _gate_points(read, site_id) if any(row["gate_id"] for row in rows) else {}
    names = await names_of(read, (_acknowledged_by(row) for row in rows))
    return [_row(row, points, names) for row in rows]


async def _gate_points(read: ReadTx, site_id: str) -> dict[str, Point]:
    site = await site_map(read, site_id)
    return {gate_id: site.gate_point(gate_id, 0.0) for gate_id in site.gates}


def _acknowledged_by(row: Row) -> str | None:
    """Who of the keeper took note concerns only those who see the whole site."""
    return row["acknowledged_by"] if row["sees_site"] else None


def _row(row: Row, points: Mapping[str, Point], names: Mapping[str, str]) -> AlarmRow:
    evidence = msgspec.convert(row["evidence"], list[AlarmEvidence])
    facts, vehicle_id = row["facts"], row["vehicle_id"]
    if not row["sees_site"]:
        tags = frozenset(row["tags"])
        evidence = [item for item in evidence if item.modality != "tag" or item.summary.split()[0] in tags]
    if not row["sees_site"] and not row["unit_ids"]:
        # None of the reader's goods is known to be on it: it is a stranger's vehicle.
        vehicle_id, facts = None, {name: value for name, value in facts.items() if name not in OF_VEHICLES}
        evidence = [item for item in evidence if item.modality != "mass"]
    return AlarmRow(
        alarm_id=row["alarm_id"],
        site_id=row["site_id"],
        kind=row["kind"],
        grade=row["grade"],
        state=row["state"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=_acknowledged_by(row),
        acknowledged_by_name=names.get(_acknowledged_by(row) or ""),
        raised_at=row["raised_at"],
        cleared_at=row["cleared_at"],
        clear_reason=row["clear_reason"] if row["sees_site"] and row["cleared_by"] else None,
        lot_ids=row["lot_ids"],
        unit_ids=row["unit_ids"],
        gate_id=row["gate_id"],
        vehicle_id=vehicle_id,
        point=points.get(row["gate_id"]),
        text_key=text_key_of(row["kind"], facts),
        facts=facts,
        evidence=evidence,
    )
