"""SQL of releases, what stands at gates, and decisions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from kernel.tx import ReadTx, Row, Tx
from wms.dispatch.model import AtGate, Decision, LiveRelease

PICKED_OF_ORDER = """
    SELECT r.reservation_id, r.quantity_each, r.mass_g, b.unit_id, u.kind
    FROM wms.reservation r JOIN wms.balance b USING (balance_id) JOIN wms.unit u USING (unit_id)
    WHERE r.order_id = %(order_id)s AND r.state = 'picked'
        AND NOT EXISTS (
            SELECT FROM wms.release_reservation rr
            WHERE rr.reservation_id = r.reservation_id AND rr.ended_at IS NULL)
    ORDER BY r.reservation_id"""
INSERT = """
    INSERT INTO wms.release (release_id, site_id, owner_party_id, order_id, gate_id, vehicle_id, state,
        expected_mass_g, valid_from, valid_until, issued_by)
    VALUES (%(release_id)s, %(site_id)s, %(owner_party_id)s, %(order_id)s, %(gate_id)s, %(vehicle_id)s,
        'issued', %(expected_mass_g)s, %(valid_from)s, %(valid_until)s, %(issued_by)s)"""
INSERT_RESERVATIONS = """
    INSERT INTO wms.release_reservation (release_id, reservation_id, unit_id)
    SELECT %(release_id)s, t.reservation_id, t.unit_id
    FROM unnest(%(reservation_ids)s::text[], %(unit_ids)s::text[]) AS t(reservation_id, unit_id)"""
_RELEASE = """r.release_id, r.site_id, r.order_id, r.gate_id, r.vehicle_id, r.state, r.expected_mass_g,
    r.valid_from, r.valid_until"""
LOCK = f"SELECT {_RELEASE} FROM wms.release r WHERE r.release_id = %(release_id)s FOR UPDATE"  # noqa: S608
LOCK_LIVE_OF_VEHICLE = f"""
    SELECT {_RELEASE},
        ARRAY(
            SELECT rr.unit_id FROM wms.release_reservation rr WHERE rr.release_id = r.release_id
        ) AS unit_ids,
        ARRAY(
            SELECT u.unit_id FROM wms.release_reservation rr JOIN wms.unit u USING (unit_id)
            WHERE rr.release_id = r.release_id AND u.epc_hex IS NOT NULL
        ) AS tagged_ids,
        (
            SELECT coalesce(sum(p.mass_g), 0)::bigint
            FROM wms.release_reservation rr JOIN wms.unit u USING (unit_id)
                JOIN wms.reservation p USING (reservation_id)
            WHERE rr.release_id = r.release_id AND u.epc_hex IS NULL
        ) AS untagged_g
    FROM wms.release r
    WHERE r.site_id = %(site_id)s AND r.vehicle_id = %(vehicle_id)s AND r.state IN ('issued', 'at_gate')
    ORDER BY r.release_id FOR UPDATE"""  # noqa: S608
EXPIRE = """
    UPDATE wms.release SET state = 'expired'
    WHERE order_id = %(order_id)s AND state = 'issued' AND valid_until < %(now)s RETURNING release_id"""
SET_STATE = """
    UPDATE wms.release SET state = %(new)s, departed_at = %(departed_at)s
    WHERE release_id = ANY(%(release_ids)s) AND state = ANY(%(old)s)"""
END_RESERVATIONS = """
    UPDATE wms.release_reservation SET ended_at = %(now)s
    WHERE release_id = ANY(%(release_ids)s) AND ended_at IS NULL"""
GOODS_OF_RELEASES = """
    SELECT rr.release_id, r.reservation_id, r.order_id, r.line_no, r.quantity_each, b.balance_id, b.unit_id,
        b.bin, b.status, b.lot_id, b.sku, b.owner_party_id, u.kind
    FROM wms.release_reservation rr JOIN wms.reservation r USING (reservation_id)
        JOIN wms.balance b USING (balance_id) JOIN wms.unit u ON u.unit_id = b.unit_id
    WHERE rr.release_id = ANY(%(release_ids)s) AND r.state = 'picked'
    ORDER BY b.balance_id, r.reservation_id"""

KEEP_PRESENCE = """
    INSERT INTO wms.gate_presence (site_id, gate_id, vehicle_id, seen, seen_at, gone_at)
    VALUES (%(site_id)s, %(gate_id)s, %(vehicle_id)s, %(seen)s, %(now)s, NULL)
    ON CONFLICT (site_id, gate_id, vehicle_id) DO UPDATE
    SET seen = excluded.seen, seen_at = excluded.seen_at, gone_at = NULL"""
END_PRESENCE = """
    UPDATE wms.gate_presence SET gone_at = %(now)s
    WHERE site_id = %(site_id)s AND vehicle_id = %(vehicle_id)s AND gone_at IS NULL"""
PRESENCE = """
    SELECT seen FROM wms.gate_presence
    WHERE site_id = %(site_id)s AND vehicle_id = %(vehicle_id)s AND gone_at IS NULL
        AND seen_at >= %(since)s ORDER BY seen_at DESC LIMIT 1 FOR UPDATE"""
OUTWARD = """
    SELECT seen FROM wms.gate_presence
    WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s AND gone_at IS NULL AND seen ->> 'direction' = 'out'
    ORDER BY vehicle_id"""
OUTWARD_SINCE = """
    SELECT seen FROM wms.gate_presence
    WHERE gone_at IS NULL AND seen ->> 'direction' = 'out' AND seen_at BETWEEN %(since)s AND %(before)s
    ORDER BY site_id, gate_id, vehicle_id"""
WAITING = """
    SELECT p.seen FROM wms.gate_presence p JOIN wms.visit v USING (site_id, vehicle_id)
    WHERE p.site_id = %(site_id)s AND p.gone_at IS NULL AND p.seen ->> 'direction' = 'in'
        AND p.seen_at >= %(since)s AND v.state = 'expected'
    ORDER BY p.vehicle_id"""
LAST_DECISION = """
    SELECT opened, reason_key, direction FROM wms.gate_decision
    WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s AND vehicle_id = %(vehicle_id)s
        AND visit_id IS NOT DISTINCT FROM %(visit_id)s
    ORDER BY decision_no DESC LIMIT 1"""
LAST_OUT = """
    SELECT DISTINCT ON (vehicle_id) vehicle_id, opened, reason_key FROM wms.gate_decision
    WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s AND vehicle_id = ANY (%(vehicle_ids)s)
        AND direction = 'out'
    ORDER BY vehicle_id, decision_no DESC"""
INSERT_DECISION = """
    INSERT INTO wms.gate_decision (decision_id, site_id, gate_id, visit_id, vehicle_id, direction, opened,
        reason_key, facts, release_ids, evidence_ids, decided_at)
    VALUES (%(decision_id)s, %(site_id)s, %(gate_id)s, %(visit_id)s, %(vehicle_id)s, %(direction)s,
        %(opened)s, %(reason_key)s, %(facts)s, %(release_ids)s, %(evidence_ids)s, %(now)s)"""

INSERT_BY_HAND = """
    INSERT INTO wms.gate_decision (decision_id, site_id, gate_id, opened, reason_key, facts, release_ids,
        evidence_ids, decided_by, decided_at)
    VALUES (%(decision_id)s, %(site_id)s, %(gate_id)s, true, 'gate.by_hand', %(facts)s, '{}', '{}', %(by)s,
        %(now)s)"""

DROP_WATCH = """
    INSERT INTO wms.dropped_watch (site_id, gate_id, mount_id, dropped_at)
    SELECT %(site_id)s, t.gate_id, t.mount_id, %(now)s
    FROM unnest(%(gate_ids)s::text[], %(mount_ids)s::text[]) AS t (gate_id, mount_id)
    ON CONFLICT (site_id, gate_id, mount_id) DO UPDATE SET dropped_at = EXCLUDED.dropped_at"""
DROPPED_WATCH = """
    SELECT gate_id, mount_id, dropped_at FROM wms.dropped_watch
    WHERE site_id = %(site_id)s ORDER BY dropped_at, gate_id, mount_id"""

_SHOWN = """
    SELECT r.release_id, r.site_id, r.order_id, o.reference, r.gate_id, r.vehicle_id, v.plate,
        CASE WHEN r.state = 'issued' AND r.valid_until < %(now)s THEN 'expired' ELSE r.state END AS state,
        r.expected_mass_g, r.valid_from, r.valid_until, r.departed_at,
        ARRAY(SELECT DISTINCT rr.unit_id FROM wms.release_reservation rr
            WHERE rr.release_id = r.release_id ORDER BY rr.unit_id) AS unit_ids
    FROM wms.release r LEFT JOIN wms.outbound_order o USING (order_id)
        LEFT JOIN wms.vehicle v USING (vehicle_id)"""
PAGE = f"""{_SHOWN}
    WHERE r.site_id = %(site_id)s AND (%(cursor)s::text IS NULL OR r.release_id < %(cursor)s)
    ORDER BY r.release_id DESC LIMIT %(limit)s"""
ONE = f"{_SHOWN} WHERE r.release_id = %(release_id)s"
DECISIONS = """
    SELECT decision_no, decision_id, site_id, gate_id, visit_id, vehicle_id, direction, opened,
        reason_key, facts, release_ids, evidence_ids, decided_by, decided_at
    FROM wms.gate_decision
    WHERE site_id = %(site_id)s AND (%(before)s::bigint IS NULL OR decision_no < %(before)s)
    ORDER BY decision_no DESC LIMIT %(limit)s"""


async def picked_of_order(tx: Tx, order_id: str) -> list[Row]:
    """What is picked for a locked order and under no live release."""
    return await tx.rows(PICKED_OF_ORDER, {"order_id": order_id})


async def insert(tx: Tx, release: Row, picked: Sequence[Row]) -> None:
    await tx.run(INSERT, release)
    columns = {
        "release_id": release["release_id"],
        "reservation_ids": [row["reservation_id"] for row in picked],
        "unit_ids": [row["unit_id"] for row in picked],
    }
    await tx.run(INSERT_RESERVATIONS, columns)


async def lock(tx: Tx, release_id: str) -> Row | None:
    return await tx.row(LOCK, {"release_id": release_id})


async def lock_live_of_vehicle(tx: Tx, site_id: str, vehicle_id: str) -> list[tuple[LiveRelease, str]]:
    """The vehicle's unused releases, locked, each with its state (`issued` or `at_gate`)."""
    rows = await tx.rows(LOCK_LIVE_OF_VEHICLE, {"site_id": site_id, "vehicle_id": vehicle_id})
    return [
        (
            LiveRelease(
                row["release_id"],
                row["gate_id"],
                row["valid_from"],
                row["valid_until"],
                frozenset(row["unit_ids"]),
                row["expected_mass_g"],
                frozenset(row["tagged_ids"]),
                row["untagged_g"],
            ),
            row["state"],
        )
        for row in rows
    ]


async def expire(tx: Tx, order_id: str) -> list[str]:
    """End the order's releases whose time is over; returns them."""
    ended = [row["release_id"] for row in await tx.rows(EXPIRE, {"order_id": order_id, "now": tx.now})]
    await end_reservations(tx, ended)
    return ended


async def set_state(tx: Tx, release_ids: Sequence[str], old: Sequence[str], new: str) -> int:
    """Change the state of locked releases that are in one of `old`; returns how many were."""
    if not release_ids:
        return 0
    params: dict[str, Any] = {"release_ids": list(release_ids), "old": list(old), "new": new}
    return await tx.run(SET_STATE, {**params, "departed_at": tx.now if new == "departed" else None})


async def end_reservations(tx: Tx, release_ids: Sequence[str]) -> None:
    if release_ids:
        await tx.run(END_RESERVATIONS, {"release_ids": list(release_ids), "now": tx.now})


async def goods_of_releases(tx: Tx, release_ids: Iterable[str]) -> list[Row]:
    return await tx.rows(GOODS_OF_RELEASES, {"release_ids": sorted(set(release_ids))})


async def keep_presence(tx: Tx, seen: AtGate) -> None:
    row = {"site_id": seen.site_id, "gate_id": seen.gate_id, "vehicle_id": seen.vehicle_id}
    await tx.run(KEEP_PRESENCE, {**row, "seen": Jsonb(msgspec.to_builtins(seen)), "now": tx.now})


async def end_presence(tx: Tx, site_id: str, vehicle_id: str) -> None:
    await tx.run(END_PRESENCE, {"site_id": site_id, "vehicle_id": vehicle_id, "now": tx.now})


async def presence(tx: Tx, site_id: str, vehicle_id: str, since: datetime) -> AtGate | None:
    """What was last seen of the vehicle at a gate, if that is not older than `since`."""
    params = {"site_id": site_id, "vehicle_id": vehicle_id, "since": since}
    row = await tx.row(PRESENCE, params)
    return None if row is None else msgspec.convert(row["seen"], AtGate)


async def outward(read: ReadTx, site_id: str, gate_id: str) -> list[AtGate]:
    """What was last seen of each vehicle that came to the gate on its way out."""
    rows = await read.rows(OUTWARD, {"site_id": site_id, "gate_id": gate_id})
    return [msgspec.convert(row["seen"], AtGate) for row in rows]


async def outward_since(read: ReadTx, since: datetime, before: datetime) -> list[AtGate]:
    """What was last seen, between two moments, of each vehicle that came to a gate of any site on its way out
    and is not known to have left."""
    rows = await read.rows(OUTWARD_SINCE, {"since": since, "before": before})
    return [msgspec.convert(row["seen"], AtGate) for row in rows]


async def waiting(read: ReadTx, site_id: str, since: datetime) -> list[AtGate]:
    """What was last seen, since then, of each expected vehicle that waits at a gate to be let in."""
    rows = await read.rows(WAITING, {"site_id": site_id, "since": since})
    return [msgspec.convert(row["seen"], AtGate) for row in rows]


async def insert_by_hand(tx: Tx, decision_id: str, site_id: str, gate_id: str, facts: dict[str, str]) -> None:
    row = {"decision_id": decision_id, "site_id": site_id, "gate_id": gate_id, "facts": Jsonb(facts)}
    await tx.run(INSERT_BY_HAND, {**row, "by": tx.caller.person_id, "now": tx.now})


async def last_decision(tx: Tx, seen: AtGate, visit_id: str | None) -> Row | None:
    params = {
        "site_id": seen.site_id,
        "gate_id": seen.gate_id,
        "vehicle_id": seen.vehicle_id,
        "visit_id": visit_id,
    }
    return await tx.row(LAST_DECISION, params)


async def last_out(read: ReadTx, site_id: str, gate_id: str, vehicle_ids: Sequence[str]) -> list[Row]:
    """The gate's last decision about each of these vehicles on its way out."""
    return await read.rows(
        LAST_OUT, {"site_id": site_id, "gate_id": gate_id, "vehicle_ids": list(vehicle_ids)}
    )


async def insert_decision(
    tx: Tx, decision_id: str, seen: AtGate, visit_id: str | None, decision: Decision
) -> None:
    await tx.run(
        INSERT_DECISION,
        {
            "decision_id": decision_id,
            "site_id": seen.site_id,
            "gate_id": seen.gate_id,
            "visit_id": visit_id,
            "vehicle_id": seen.vehicle_id,
            "direction": seen.direction,
            "opened": decision.opened,
            "reason_key": decision.reason_key,
            "facts": Jsonb(decision.facts),
            "release_ids": list(decision.release_ids),
            "evidence_ids": seen.evidence_ids,
            "now": tx.now,
        },
    )


async def drop_watch(tx: Tx, site_id: str, dropped: Sequence[tuple[str, str]]) -> None:
    """Keep that a layout takes these mounts from their gates now: (gate, mount)."""
    gate_ids, mount_ids = [gate_id for gate_id, _ in dropped], [mount_id for _, mount_id in dropped]
    named = {"site_id": site_id, "gate_ids": gate_ids, "mount_ids": mount_ids, "now": tx.now}
    await tx.run(DROP_WATCH, named)


async def dropped_watch(read: ReadTx, site_id: str) -> list[Row]:
    """What layouts took from the gates, in the order in which they did."""
    return await read.rows(DROPPED_WATCH, {"site_id": site_id})


async def page(read: ReadTx, site_id: str, cursor: str | None, limit: int) -> list[Row]:
    params = {"site_id": site_id, "cursor": cursor, "limit": limit, "now": read.now}
    return await read.rows(PAGE, params)


async def one(read: ReadTx, release_id: str) -> Row | None:
    return await read.row(ONE, {"release_id": release_id, "now": read.now})


async def decisions(read: ReadTx, site_id: str, before: int | None, limit: int) -> list[Row]:
    return await read.rows(DECISIONS, {"site_id": site_id, "before": before, "limit": limit})
