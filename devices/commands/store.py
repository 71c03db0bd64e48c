"""The SQL of orders to devices."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from devices.commands.model import DeviceOrder
from kernel.tx import ReadTx, Row, Tx

DEVICE = """
    SELECT site_id, family, mount_id FROM devices.device
    WHERE device_id = %(device_id)s AND retired_at IS NULL"""
INSERT = """
    INSERT INTO devices.command (command_id, site_id, device_id, action, parameters, cause, ref_id,
        ordered_by, ordered_party_id, state, queued_at, valid_until)
    VALUES (%(command_id)s, %(site_id)s, %(device_id)s, %(action)s, %(parameters)s::jsonb, %(cause)s,
        %(ref_id)s, %(ordered_by)s, %(ordered_party_id)s, 'queued', %(now)s, %(valid_until)s)"""
# What an edge did by itself is written down once, however often it has to try.
INSERT_SETTLED = """
    INSERT INTO devices.command (command_id, site_id, device_id, action, parameters, cause, ref_id,
        ordered_by, ordered_party_id, state, queued_at, sent_at, settled_at, failure, valid_until)
    VALUES (%(command_id)s, %(site_id)s, %(device_id)s, %(action)s, %(parameters)s::jsonb, %(cause)s,
        %(ref_id)s, %(ordered_by)s, %(ordered_party_id)s, %(state)s, %(at)s, %(at)s, %(now)s, %(failure)s,
        %(valid_until)s)
    ON CONFLICT (command_id) DO NOTHING"""
# Wakes the edge; it reads the queue itself.
NOTIFY = "SELECT pg_notify('tallyhouse_device_command', %(site_id)s)"
# Takes what is queued, and what an edge that died had taken but not settled.
TAKE = """
    WITH due AS (
        SELECT command_id, state = 'sent' AS was_taken FROM devices.command
        WHERE state IN ('queued', 'sent') AND command_id <> ALL(%(in_hand)s)
            AND (cardinality(%(sites)s::text[]) = 0 OR site_id = ANY(%(sites)s::text[]))
        ORDER BY number LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE devices.command c SET state = 'sent', sent_at = %(now)s
    FROM due, devices.device d
    WHERE c.command_id = due.command_id AND d.device_id = c.device_id
    RETURNING c.number, c.command_id, c.site_id, c.device_id, d.family, c.action, c.parameters, c.cause,
        c.ref_id, c.valid_until, due.was_taken"""
# An order that failed may have raised the boom all the same; one that failed to end it ended nothing.
LAST = """
    SELECT action FROM devices.command
    WHERE site_id = %(site_id)s AND device_id = %(device_id)s
        AND (action = %(begins)s OR (action = %(ends)s AND state <> 'failed'))
    ORDER BY number DESC LIMIT 1"""
UNENDED = """
    SELECT c.site_id, c.device_id, d.mount_id, c.ref_id
    FROM devices.command c JOIN devices.device d USING (device_id)
    WHERE d.retired_at IS NULL AND d.family = ANY(%(families)s) AND c.action = %(begins)s
        AND c.queued_at >= %(since)s AND coalesce(c.settled_at, c.queued_at) <= %(until)s
        AND NOT EXISTS (
            SELECT FROM devices.command later
            WHERE later.site_id = c.site_id AND later.device_id = c.device_id AND later.number > c.number
                AND (later.action = %(begins)s OR (later.action = %(ends)s AND later.state <> 'failed')))
    ORDER BY c.device_id"""
SETTLE = """
    UPDATE devices.command SET state = %(state)s, settled_at = %(now)s, failure = %(failure)s
    WHERE command_id = %(command_id)s AND state = 'sent'"""

# An order that waits, was carried out, or may have been. One that failed surely does not count.
WAS_ORDERED = """
    SELECT EXISTS (SELECT FROM devices.command
        WHERE ref_id = %(ref_id)s AND action = %(action)s
            AND (state <> 'failed' OR failure = 'unconfirmed'))"""


async def was_ordered(tx: ReadTx, ref_id: str, action: str) -> bool:
    """Whether such an order for this thing waits, was carried out, or may have been."""
    return bool(await tx.value(WAS_ORDERED, {"ref_id": ref_id, "action": action}))


async def device(tx: ReadTx, device_id: str) -> Row | None:
    """Site, family and mount of a device in service."""
    return await tx.row(DEVICE, {"device_id": device_id})


async def insert(tx: Tx, order: DeviceOrder) -> None:
    await tx.run(INSERT, _row(tx, order))
    await tx.run(NOTIFY, {"site_id": order.site_id})


async def insert_settled(tx: Tx, order: DeviceOrder, at: datetime, failure: str | None) -> bool:
    """Keep an order that was carried out at `at`; False when it is kept already."""
    row = {**_row(tx, order), "at": at, "state": _state(failure), "failure": failure}
    return await tx.run(INSERT_SETTLED, row) == 1


def _row(tx: Tx, order: DeviceOrder) -> Row:
    return {
        "command_id": order.command_id,
        "site_id": order.site_id,
        "device_id": order.device_id,
        "action": order.action,
        "parameters": msgspec.json.encode(order.parameters).decode(),
        "cause": order.cause,
        "ref_id": order.ref_id,
        "ordered_by": tx.caller.person_id,
        "ordered_party_id": tx.caller.party_id,
        "now": tx.now,
        "valid_until": order.valid_until,
    }


def _state(failure: str | None) -> str:
    return "confirmed" if failure is None else "failed"


async def take(tx: Tx, sites: Collection[str], in_hand: Collection[str], limit: int) -> list[DeviceOrder]:
    params = {"now": tx.now, "sites": sorted(sites), "in_hand": sorted(in_hand), "limit": limit}
    rows = sorted(await tx.rows(TAKE, params), key=lambda row: int(row.pop("number")))
    return [msgspec.convert(row, DeviceOrder) for row in rows]


async def last(read: ReadTx, site_id: str, device_id: str, begins: str, ends: str) -> str | None:
    params = {"site_id": site_id, "device_id": device_id, "begins": begins, "ends": ends}
    found: str | None = await read.value(LAST, params)
    return found


async def unended(
    read: ReadTx, families: Collection[str], begins: str, ends: str, since: datetime, until: datetime
) -> list[Row]:
    params = {"families": sorted(families), "begins": begins, "ends": ends, "since": since, "until": until}
    return await read.rows(UNENDED, params)


async def settle(tx: Tx, command_id: str, failure: str | None) -> bool:
    """Close a command that was sent; False when it was closed before."""
    params = {"command_id": command_id, "state": _state(failure), "failure": failure, "now": tx.now}
    return await tx.run(SETTLE, params) == 1
