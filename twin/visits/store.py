"""SQL of weighings, barriers, visits and standings."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from kernel.tx import Row, Tx
from twin.presence.model import Stay
from twin.presence.store import LOCK_SITE, as_json
from twin.visits.model import BarrierChange, Direction, Pass, Standing, Visit, Weighing

INSERT_WEIGHINGS = """
    INSERT INTO twin.weighing
        (site_id, observation_id, weighbridge_id, gate_id, mass_g, weight_id, weighed_at, is_accepted)
    SELECT %(site_id)s, r.* FROM jsonb_to_recordset(%(weighings)s::jsonb) AS r (observation_id text,
        weighbridge_id text, gate_id text, mass_g bigint, weight_id bigint, weighed_at timestamptz,
        is_accepted boolean)
    ON CONFLICT (observation_id) DO NOTHING RETURNING observation_id"""
INSERT_BARRIERS = """
    INSERT INTO twin.barrier_state
        (site_id, told_at, device_id, observation_id, gate_id, observed_at, is_open, is_closed, loop_occupied,
        is_accepted)
    SELECT %(site_id)s, %(now)s, r.* FROM jsonb_to_recordset(%(changes)s::jsonb) AS r (device_id text,
        observation_id text, gate_id text, observed_at timestamptz, is_open boolean, is_closed boolean,
        loop_occupied boolean, is_accepted boolean)
    ON CONFLICT (observation_id) DO NOTHING RETURNING observation_id"""
# Weighings at a gate's bridge in a period, with the vehicle they are ascribed to so far.
WEIGHINGS_AT = """
    SELECT observation_id, weighbridge_id, gate_id, mass_g, weight_id, weighed_at, vehicle_id, direction,
        is_accepted
    FROM twin.weighing WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s
        AND weighed_at BETWEEN %(first_at)s AND %(last_at)s
    ORDER BY weighed_at, observation_id"""
WEIGHINGS_OF = """
    SELECT observation_id, weighbridge_id, gate_id, mass_g, weight_id, weighed_at, is_accepted
    FROM twin.weighing WHERE vehicle_id = %(vehicle_id)s AND weighed_at >= %(since)s
    ORDER BY weighed_at, observation_id"""
ASCRIBE = """
    UPDATE twin.weighing SET vehicle_id = %(vehicle_id)s, direction = NULL
    WHERE observation_id = %(observation_id)s"""
# One that counted before and does so no longer, since another took its place, has no direction again.
DIRECT = """
    UPDATE twin.weighing w SET direction = d.direction
    FROM (
        SELECT o.observation_id, r.direction FROM twin.weighing o
        LEFT JOIN jsonb_to_recordset(%(weighings)s::jsonb) AS r (observation_id text, direction text)
            USING (observation_id)
        WHERE o.vehicle_id = %(vehicle_id)s
            AND (o.weighed_at >= %(since)s OR r.observation_id IS NOT NULL)) d
    WHERE w.observation_id = d.observation_id AND w.direction IS DISTINCT FROM d.direction"""
VEHICLE_STAYS_AT = """
    SELECT v.vehicle_id, s.gate_id, s.side, s.first_at, s.last_at, s.evidence_ids, s.is_accepted
    FROM twin.stay s JOIN twin.vehicle v ON (v.site_id, v.epc_hex) = (s.site_id, s.epc_hex)
    WHERE s.site_id = %(site_id)s AND s.gate_id = %(gate_id)s
        AND s.last_at >= %(first_at)s AND s.first_at <= %(last_at)s
    ORDER BY s.first_at, v.vehicle_id, s.is_accepted"""
STAYS_OF = """
    SELECT s.gate_id, s.side, s.first_at, s.last_at, s.evidence_ids, s.is_accepted
    FROM twin.stay s JOIN twin.vehicle v ON (v.site_id, v.epc_hex) = (s.site_id, s.epc_hex)
    WHERE v.vehicle_id = %(vehicle_id)s AND s.first_at >= %(since)s
    ORDER BY s.first_at, s.gate_id, s.is_accepted"""
UNIT_STAYS_AT = """
    SELECT u.unit_id, s.epc_hex, s.gate_id, s.side, s.first_at, s.last_at, s.evidence_ids, s.is_accepted
    FROM twin.stay s
    LEFT JOIN twin.unit u ON (u.site_id, u.epc_hex) = (s.site_id, s.epc_hex)
    WHERE s.site_id = %(site_id)s AND s.gate_id = %(gate_id)s
        AND s.last_at >= %(first_at)s AND s.first_at <= %(last_at)s
        AND NOT EXISTS (
            SELECT FROM twin.vehicle v WHERE (v.site_id, v.epc_hex) = (s.site_id, s.epc_hex))
    ORDER BY s.epc_hex, s.first_at, s.is_accepted"""
BARRIERS_SINCE = """
    SELECT observation_id, gate_id, observed_at, is_open, is_closed, loop_occupied, is_accepted, told_at
    FROM twin.barrier_state
    WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s AND observed_at >= %(since)s"""
# Vehicles that stood at a gate in a period: what happens there then may concern them.
VEHICLES_AT = """
    SELECT vehicle_id, max(began_at) AS since FROM twin.standing
    WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s
        AND last_at >= %(first_at)s AND began_at <= %(last_at)s
    GROUP BY vehicle_id"""
LEFT_BETWEEN = """
    SELECT 1 FROM twin.standing WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s
        AND left_at BETWEEN %(first_at)s AND %(last_at)s LIMIT 1"""
VISIT_START = """
    SELECT max(began_at) FROM twin.visit WHERE vehicle_id = %(vehicle_id)s AND began_at <= %(since)s"""
LEFT_BEFORE = """
    SELECT max(left_at) FROM twin.visit WHERE vehicle_id = %(vehicle_id)s AND began_at < %(began_at)s"""
DROP_STANDINGS = """
    DELETE FROM twin.standing WHERE vehicle_id = %(vehicle_id)s AND visit_began_at >= %(since)s
    RETURNING gate_id, direction, began_at, last_at, left_at, unit_ids"""
DROP_VISITS = "DELETE FROM twin.visit WHERE vehicle_id = %(vehicle_id)s AND began_at >= %(since)s"
INSERT_VISITS = """
    INSERT INTO twin.visit (vehicle_id, site_id, began_at, entered_at, left_at, entry, exit)
    SELECT %(vehicle_id)s, %(site_id)s, r.* FROM jsonb_to_recordset(%(visits)s::jsonb) AS r (
        began_at timestamptz, entered_at timestamptz, left_at timestamptz, entry jsonb, exit jsonb)"""
INSERT_STANDINGS = """
    INSERT INTO twin.standing (site_id, vehicle_id, gate_id, began_at, visit_began_at, direction, outcome,
        last_at, crossed_at, left_at, weighing, entry, unit_ids, evidence_ids)
    SELECT %(site_id)s, %(vehicle_id)s, r.* FROM jsonb_to_recordset(%(standings)s::jsonb) AS r (
        gate_id text, began_at timestamptz, visit_began_at timestamptz, direction text, outcome text,
        last_at timestamptz, crossed_at timestamptz, left_at timestamptz, weighing jsonb, entry jsonb,
        unit_ids text[], evidence_ids jsonb)"""
PUT_STATE = """
    UPDATE twin.vehicle SET (state, gate_id, entered_at, left_at, gross_g, tare_g) =
        (%(state)s, %(gate_id)s, %(entered_at)s, %(left_at)s, %(gross_g)s, %(tare_g)s)
    WHERE vehicle_id = %(vehicle_id)s AND (state, gate_id, entered_at, left_at, gross_g, tare_g)
        IS DISTINCT FROM (%(state)s, %(gate_id)s, %(entered_at)s::timestamptz, %(left_at)s::timestamptz,
            %(gross_g)s::bigint, %(tare_g)s::bigint)"""
# Deliveries announced for this vehicle since it left the last time and before it was weighed out.
ARRIVALS = """
    SELECT delivery_id, unit_ids, expected_net_g FROM twin.expected_arrival
    WHERE vehicle_id = %(vehicle_id)s AND declared_at <= %(until)s
        AND (%(after)s::timestamptz IS NULL OR declared_at > %(after)s::timestamptz)
    ORDER BY delivery_id"""
# Announced units that a gate's inner antennas or a fork saw inside within a period.
SEEN_INSIDE = """
    SELECT DISTINCT u.unit_id FROM twin.unit u
    JOIN twin.sighting s ON (s.site_id, s.epc_hex) = (u.site_id, u.epc_hex)
    WHERE u.site_id = %(site_id)s AND u.unit_id = ANY (%(unit_ids)s)
        AND s.observed_at BETWEEN %(since)s AND %(until)s AND s.side IS DISTINCT FROM 'outside'
        AND s.is_accepted"""
# Vehicles whose delivery weighed otherwise than announced, and of which one of these units became known to
# have come with it only now: their weighing speaks for more than it was compared with.
BROUGHT_MORE = """
    SELECT c.vehicle_id, min(c.weighed_at) AS since
    FROM twin.mass_check c
    JOIN twin.unit u ON u.unit_id = ANY (c.unit_ids)
    JOIN twin.sighting s ON (s.site_id, s.epc_hex) = (u.site_id, u.epc_hex)
    LEFT JOIN twin.mass_check r ON r.check_key = 'received:' || c.delivery_id
    WHERE c.kind = 'delivery' AND NOT c.agrees AND c.unit_ids && %(unit_ids)s
        AND u.unit_id = ANY (%(unit_ids)s) AND NOT coalesce(u.unit_id = ANY (r.unit_ids), false)
        AND s.observed_at <= c.weighed_at AND s.side IS DISTINCT FROM 'outside' AND s.is_accepted
    GROUP BY c.vehicle_id"""
# Units that came in again at the gate at or after a moment: what the barrier did before decides whether
# their old weighing still counts.
CAME_BACK = """
    SELECT DISTINCT u.unit_id FROM twin.crossing i JOIN twin.unit u ON (u.site_id, u.epc_hex) =
        (i.site_id, i.epc_hex)
    WHERE i.site_id = %(site_id)s AND i.gate_id = %(gate_id)s AND i.direction = 'in'
        AND i.crossed_at >= %(since)s
        AND EXISTS (SELECT FROM twin.crossing o WHERE (o.site_id, o.epc_hex) = (i.site_id, i.epc_hex)
            AND o.direction = 'out' AND o.crossed_at < i.crossed_at)"""
EXPECTED_MASSES = """
    SELECT unit_id, expected_mass_g FROM twin.unit WHERE unit_id = ANY (%(unit_ids)s)"""
DROP_CHECKS = """
    DELETE FROM twin.mass_check WHERE vehicle_id = %(vehicle_id)s AND weighed_at >= %(since)s
    RETURNING unit_ids"""
INSERT_CHECKS = """
    INSERT INTO twin.mass_check (site_id, vehicle_id, check_key, kind, delivery_id, unit_ids, measured_g,
        expected_g, agrees, differs, weighed_at, observation_id, evidence_ids)
    SELECT %(site_id)s, %(vehicle_id)s, r.* FROM jsonb_to_recordset(%(checks)s::jsonb) AS r (
        check_key text, kind text, delivery_id text, unit_ids text[], measured_g bigint, expected_g bigint,
        agrees boolean, differs boolean, weighed_at timestamptz, observation_id text, evidence_ids jsonb)
    ON CONFLICT (check_key) DO NOTHING"""
ADD_TRUCK = """
    INSERT INTO twin.asset (asset_id, site_id, index, kind, label)
    SELECT v.vehicle_id, v.site_id, n.index, 'truck', v.plate
    FROM twin.vehicle v,
        (SELECT coalesce(max(index), 0) + 1 AS index FROM twin.asset WHERE site_id = %(site_id)s) n
    WHERE v.vehicle_id = %(vehicle_id)s
        AND NOT EXISTS (SELECT FROM twin.asset WHERE asset_id = %(vehicle_id)s)"""
PUT_TRUCK = """
    UPDATE twin.asset SET (x_m, y_m, z_m, heading_deg, at, is_gone) =
        (%(x_m)s, %(y_m)s, 0, %(heading_deg)s, %(at)s, %(is_gone)s)
    WHERE asset_id = %(vehicle_id)s
        AND (x_m, y_m, at, is_gone) IS DISTINCT FROM
            (%(x_m)s::double precision, %(y_m)s::double precision, %(at)s::timestamptz, %(is_gone)s)"""


async def seen_inside(
    tx: Tx, site_id: str, unit_ids: Sequence[str], since: datetime, until: datetime
) -> set[str]:
    """Those of the units that a sensor saw inside within the period."""
    where = {"site_id": site_id, "unit_ids": list(unit_ids), "since": since, "until": until}
    return {row["unit_id"] for row in await tx.rows(SEEN_INSIDE, where)}


async def came_back(tx: Tx, site_id: str, gate_id: str, since: datetime) -> set[str]:
    """Units that went out some time and came in again at the gate at or after `since`."""
    rows = await tx.rows(CAME_BACK, {"site_id": site_id, "gate_id": gate_id, "since": since})
    return {row["unit_id"] for row in rows}


async def brought_more(tx: Tx, unit_ids: Collection[str]) -> dict[str, datetime]:
    """Vehicles whose weighed delivery has to be compared again because of these units, and since when."""
    if not unit_ids:
        return {}
    rows = await tx.rows(BROUGHT_MORE, {"unit_ids": sorted(unit_ids)})
    return {row["vehicle_id"]: row["since"] for row in rows}


async def insert_weighings(tx: Tx, site_id: str, weighings: Sequence[Weighing]) -> list[Weighing]:
    """Keep weighings; returns those that were not there."""
    if not weighings:
        return []
    rows = await tx.rows(INSERT_WEIGHINGS, {"site_id": site_id, "weighings": as_json(weighings)})
    fresh = {row["observation_id"] for row in rows}
    return [weighing for weighing in weighings if weighing.observation_id in fresh]


async def insert_barriers(tx: Tx, site_id: str, changes: Sequence[Row]) -> list[Row]:
    """Keep barrier reports; returns those that were not there."""
    if not changes:
        return []
    named = {"site_id": site_id, "now": tx.now}
    rows = await tx.rows(INSERT_BARRIERS, {**named, "changes": as_json(changes)})
    fresh = {row["observation_id"] for row in rows}
    return [change for change in changes if change["observation_id"] in fresh]


async def weighings_at(
    tx: Tx, site_id: str, gate_id: str, first_at: datetime, last_at: datetime
) -> list[tuple[Weighing, str | None, Direction | None]]:
    """Weighings in a period with the vehicle and the direction each is ascribed to so far."""
    period = {"site_id": site_id, "gate_id": gate_id, "first_at": first_at, "last_at": last_at}
    rows = await tx.rows(WEIGHINGS_AT, period)
    return [(Weighing(**row), vehicle_id, direction) for row, vehicle_id, direction in map(_split, rows)]


def _split(row: Row) -> tuple[Row, str | None, Direction | None]:
    vehicle_id, direction = row.pop("vehicle_id"), row.pop("direction")
    return row, vehicle_id, direction


async def weighings_of(tx: Tx, vehicle_id: str, since: datetime) -> list[Weighing]:
    rows = await tx.rows(WEIGHINGS_OF, {"vehicle_id": vehicle_id, "since": since})
    return [Weighing(**row) for row in rows]


async def ascribe(tx: Tx, observation_id: str, vehicle_id: str | None) -> None:
    await tx.run(ASCRIBE, {"observation_id": observation_id, "vehicle_id": vehicle_id})


async def direct(tx: Tx, vehicle_id: str, since: datetime, weighings: Sequence[Row]) -> None:
    """Say which way the vehicle was going at each of its weighings since a moment."""
    named = {"vehicle_id": vehicle_id, "since": since}
    await tx.run(DIRECT, {**named, "weighings": as_json(weighings)})


async def vehicle_stays_at(
    tx: Tx, site_id: str, gate_id: str, first_at: datetime, last_at: datetime
) -> list[tuple[str, Stay]]:
    """(vehicle id, stay) at a gate in a period."""
    period = {"site_id": site_id, "gate_id": gate_id, "first_at": first_at, "last_at": last_at}
    rows = await tx.rows(VEHICLE_STAYS_AT, period)
    return [(row.pop("vehicle_id"), Stay(**row)) for row in rows]


async def stays_of(tx: Tx, vehicle_id: str, since: datetime) -> list[Stay]:
    rows = await tx.rows(STAYS_OF, {"vehicle_id": vehicle_id, "since": since})
    return [Stay(**row) for row in rows]


async def unit_stays_at(
    tx: Tx, site_id: str, gate_id: str, first_at: datetime, last_at: datetime
) -> list[tuple[str | None, str, Stay]]:
    """(unit id or None when undeclared, tag, stay) at a gate in a period; vehicles left out."""
    period = {"site_id": site_id, "gate_id": gate_id, "first_at": first_at, "last_at": last_at}
    rows = await tx.rows(UNIT_STAYS_AT, period)
    return [(row.pop("unit_id"), row.pop("epc_hex"), Stay(**row)) for row in rows]


async def barrier_changes(tx: Tx, site_id: str, gate_id: str, since: datetime) -> list[BarrierChange]:
    rows = await tx.rows(BARRIERS_SINCE, {"site_id": site_id, "gate_id": gate_id, "since": since})
    return [BarrierChange(**row) for row in rows]


async def vehicles_at(
    tx: Tx, site_id: str, gate_id: str, first_at: datetime, last_at: datetime
) -> dict[str, datetime]:
    """Vehicles that stood at the gate in the period, with the start of the latest such standing."""
    period = {"site_id": site_id, "gate_id": gate_id, "first_at": first_at, "last_at": last_at}
    return {row["vehicle_id"]: row["since"] for row in await tx.rows(VEHICLES_AT, period)}


async def left_between(tx: Tx, site_id: str, gate_id: str, first_at: datetime, last_at: datetime) -> bool:
    """True when a known vehicle left through the gate in the period."""
    period = {"site_id": site_id, "gate_id": gate_id, "first_at": first_at, "last_at": last_at}
    return await tx.value(LEFT_BETWEEN, period) is not None


async def visit_start(tx: Tx, vehicle_id: str, since: datetime) -> datetime | None:
    """When the visit began that `since` falls into (or the one before it)."""
    start: datetime | None = await tx.value(VISIT_START, {"vehicle_id": vehicle_id, "since": since})
    return start


async def left_before(tx: Tx, vehicle_id: str, began_at: datetime) -> datetime | None:
    left: datetime | None = await tx.value(LEFT_BEFORE, {"vehicle_id": vehicle_id, "began_at": began_at})
    return left


async def replace_visits(
    tx: Tx,
    site_id: str,
    vehicle_id: str,
    since: datetime,
    visits: Sequence[Visit],
    with_: dict[datetime, Any],
) -> list[Row]:
    """Put the visits since a moment in place of what was derived; `with_` are units by standing's start.

    Returns the standings that were dropped.
    """
    named = {"site_id": site_id, "vehicle_id": vehicle_id, "since": since}
    dropped = await tx.rows(DROP_STANDINGS, named)
    await tx.run(DROP_VISITS, named)
    rows = [_visit_row(visit) for visit in visits]
    await tx.run(INSERT_VISITS, {**named, "visits": as_json(rows)})
    standings = [
        _standing_row(visit, standing, with_[standing.began_at])
        for visit in visits
        for standing in visit.standings
    ]
    await tx.run(INSERT_STANDINGS, {**named, "standings": as_json(standings)})
    return dropped


def _visit_row(visit: Visit) -> Row:
    row = msgspec.structs.asdict(visit)
    row.pop("standings")
    return row


def _standing_row(visit: Visit, standing: Standing, unit_ids: Sequence[str]) -> Row:
    row = msgspec.structs.asdict(standing)
    return {**row, "visit_began_at": visit.began_at, "unit_ids": unit_ids}


async def put_state(tx: Tx, state: Row) -> None:
    await tx.run(PUT_STATE, state)


async def add_truck(tx: Tx, site_id: str, vehicle_id: str) -> None:
    """Give the truck a number among the site's moving things, if it has none."""
    named = {"site_id": site_id, "vehicle_id": vehicle_id}
    await tx.rows(LOCK_SITE, named)
    await tx.run(ADD_TRUCK, named)


async def put_truck(tx: Tx, pose: Row) -> None:
    await tx.run(PUT_TRUCK, pose)


async def arrivals(tx: Tx, vehicle_id: str, after: datetime | None, until: datetime) -> list[Row]:
    """Deliveries that this visit brings, by id."""
    return await tx.rows(ARRIVALS, {"vehicle_id": vehicle_id, "after": after, "until": until})


async def expected_masses(tx: Tx, unit_ids: Collection[str]) -> dict[str, int | None]:
    rows = await tx.rows(EXPECTED_MASSES, {"unit_ids": sorted(unit_ids)})
    return {row["unit_id"]: row["expected_mass_g"] for row in rows}


async def replace_checks(
    tx: Tx, site_id: str, vehicle_id: str, since: datetime, checks: Sequence[Row]
) -> set[str]:
    """Put mass checks since a moment in place; returns the units of those before and now."""
    named = {"site_id": site_id, "vehicle_id": vehicle_id, "since": since}
    dropped = await tx.rows(DROP_CHECKS, named)
    if checks:
        await tx.run(INSERT_CHECKS, {**named, "checks": as_json(checks)})
    return {unit_id for row in [*dropped, *checks] for unit_id in row["unit_ids"]}


def passes_heard(passes: Sequence[Pass], stays: Sequence[tuple[str, Stay]], within: timedelta) -> list[Pass]:
    """Each passage with the vehicles heard outside from `within` before it to its end."""
    return [
        msgspec.structs.replace(
            passed,
            heard=frozenset(
                vehicle_id
                for vehicle_id, stay in stays
                if stay.side == "outside"
                and stay.last_at >= passed.occupied_at - within
                and stay.first_at <= passed.freed_at
            ),
        )
        for passed in passes
    ]
