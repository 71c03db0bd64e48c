"""The SQL of barrier commands."""

from collections.abc import Collection
from datetime import datetime

from kernel.tx import ReadTx, Row, Tx

BARRIER = """
    SELECT site_id, family, mount_id FROM devices.device
    WHERE device_id = %(device_id)s AND retired_at IS NULL"""
INSERT_COMMAND = """
    INSERT INTO devices.command (command_id, site_id, device_id, action, cause, ref_id, state, queued_at,
        valid_until)
    VALUES (%(command_id)s, %(site_id)s, %(device_id)s, %(action)s, %(cause)s, %(ref_id)s, 'queued', %(now)s,
        %(valid_until)s)"""
# Wakes the edge; it reads the queue itself.
NOTIFY_COMMAND = "SELECT pg_notify('tallyhouse_device_command', %(site_id)s)"
# Takes what is queued, and what an edge that died had taken but not settled.
TAKE = """
    UPDATE devices.command c SET state = 'sent', sent_at = %(now)s
    WHERE command_id IN (
        SELECT command_id FROM devices.command
        WHERE state IN ('queued', 'sent') AND command_id <> ALL(%(in_hand)s)
            AND (cardinality(%(sites)s::text[]) = 0 OR site_id = ANY(%(sites)s::text[]))
        ORDER BY number LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    RETURNING number, command_id, site_id, device_id, action, cause, ref_id, valid_until"""
SETTLE = """
    UPDATE devices.command SET state = %(state)s, settled_at = %(now)s, failure = %(failure)s
    WHERE command_id = %(command_id)s AND state = 'sent'"""


async def barrier(tx: ReadTx, device_id: str) -> Row | None:
    return await tx.row(BARRIER, {"device_id": device_id})


async def insert_command(
    tx: Tx,
    *,
    command_id: str,
    site_id: str,
    device_id: str,
    action: str,
    cause: str,
    ref_id: str | None,
    valid_until: datetime,
) -> None:
    row = {
        "command_id": command_id,
        "site_id": site_id,
        "device_id": device_id,
        "action": action,
        "cause": cause,
        "ref_id": ref_id,
        "now": tx.now,
        "valid_until": valid_until,
    }
    await tx.run(INSERT_COMMAND, row)
    await tx.run(NOTIFY_COMMAND, {"site_id": site_id})


async def take(tx: Tx, sites: Collection[str], in_hand: Collection[str], limit: int) -> list[Row]:
    params = {"now": tx.now, "sites": sorted(sites), "in_hand": sorted(in_hand), "limit": limit}
    rows = await tx.rows(TAKE, params)
    return sorted(rows, key=lambda row: int(row.pop("number")))


async def settle(tx: Tx, command_id: str, failure: str | None) -> bool:
    """Close a command that was sent; False when it was closed before."""
    state = "confirmed" if failure is None else "failed"
    params = {"command_id": command_id, "state": state, "failure": failure, "now": tx.now}
    return await tx.run(SETTLE, params) == 1
