"""SQL of alarms and of what they are judged on."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from kernel.tx import Row, Tx
from twin.presence.store import as_json

CROSSINGS_OUT = """
    SELECT u.unit_id, u.lot_id, u.expected_mass_g, c.epc_hex, c.crossed_at, c.is_direct, c.evidence_ids
    FROM twin.crossing c JOIN twin.unit u ON (u.site_id, u.epc_hex) = (c.site_id, c.epc_hex)
    WHERE c.site_id = %(site_id)s AND c.gate_id = %(gate_id)s AND c.direction = 'out'
        AND c.crossed_at BETWEEN %(first_at)s AND %(last_at)s
    ORDER BY c.crossed_at, u.unit_id, c.is_accepted"""
# Units by their last stay at the gate in a period, as rows of those that crossed out when their vehicle left.
GONE_WITH = """
    SELECT DISTINCT ON (u.unit_id) u.unit_id, u.lot_id, u.expected_mass_g, u.epc_hex, s.last_at AS heard_at,
        %(left_at)s::timestamptz AS crossed_at, false AS is_direct, s.evidence_ids
    FROM twin.unit u JOIN twin.stay s ON (s.site_id, s.epc_hex) = (u.site_id, u.epc_hex)
    WHERE u.site_id = %(site_id)s AND u.unit_id = ANY (%(unit_ids)s) AND s.gate_id = %(gate_id)s
        AND s.last_at >= %(first_at)s AND s.first_at <= %(left_at)s
    ORDER BY u.unit_id, s.last_at DESC, s.is_accepted"""
STANDINGS_OUT = """
    SELECT vehicle_id, began_at, last_at, unit_ids FROM twin.standing
    WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s AND direction = 'out'
        AND last_at >= %(first_at)s AND began_at <= %(last_at)s"""
RELEASES = """
    SELECT release_id, vehicle_id, unit_ids, valid_from, least(valid_until, cancelled_at) AS valid_until
    FROM twin.expected_departure
    WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s
        AND valid_until >= %(first_at)s AND valid_from <= %(last_at)s"""
# Units released to a vehicle while some of them went out, with what each should weigh, and what its release
# says of all it lets out. A release that an earlier stay of the vehicle at a gate has used is over.
RELEASED = """
    SELECT d.release_id, d.mass_g AS released_g, u.unit_id, u.lot_id, u.epc_hex IS NOT NULL AS has_tag,
        coalesce(u.expected_mass_g, 0) AS mass_g
    FROM twin.expected_departure d JOIN twin.unit u ON u.unit_id = ANY (d.unit_ids)
    WHERE d.site_id = %(site_id)s AND d.gate_id = %(gate_id)s AND d.vehicle_id = %(vehicle_id)s
        AND d.valid_from <= %(last_at)s AND least(d.valid_until, d.cancelled_at) >= %(first_at)s
        AND NOT EXISTS (SELECT FROM twin.standing s
            WHERE s.vehicle_id = d.vehicle_id AND s.left_at < %(began_at)s AND s.unit_ids && d.unit_ids)"""
# In one order, before any alarm is locked.
PASSAGES_DUE = """
    INSERT INTO twin.passages_due AS d (site_id, gate_id, since)
    SELECT %(site_id)s, t.gate_id, t.since
    FROM unnest(%(gate_ids)s::text[], %(since)s::timestamptz[]) AS t (gate_id, since) ORDER BY t.gate_id
    ON CONFLICT (site_id, gate_id) DO UPDATE SET since = least(d.since, EXCLUDED.since)"""
LOCK_DUE = "SELECT site_id, gate_id, since FROM twin.passages_due ORDER BY site_id, gate_id FOR UPDATE"
DUE_SINCE = """
    UPDATE twin.passages_due SET since = %(since)s WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s"""
NOT_DUE = "DELETE FROM twin.passages_due WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s"
LOOP_FREE_BEFORE = """
    SELECT max(observed_at) FROM twin.barrier_state
    WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s AND observed_at <= %(before)s
        AND NOT loop_occupied AND is_accepted"""
# Vehicles that went through a gate since a moment. Outwards: when they left over the loop, or else when they
# were heard outside, but not those that turned back. Inwards, as readers heard that were accepted: from when
# they were seen until they were inside; nothing but a scale says that they were vehicles. Those that were not
# weighed yet, and those that stand outside, may be on their way.
VEHICLES_THROUGH = """
    SELECT coalesce(left_at, crossed_at) AS at, coalesce(left_at, crossed_at) AS first_at,
        left_at IS NOT NULL AS has_left, true AS is_sure
    FROM twin.standing
    WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s AND direction = 'out' AND last_at >= %(since)s
        AND coalesce(left_at, crossed_at) IS NOT NULL AND outcome <> 'returned'
    UNION ALL
    SELECT v.entered_at, v.began_at, false, coalesce((v.entry ->> 'is_accepted')::boolean
        AND (v.entry ->> 'mass_g')::bigint >= %(heavy_g)s, false)
    FROM twin.visit v
    JOIN twin.vehicle t USING (vehicle_id)
    JOIN twin.stay s ON (s.site_id, s.epc_hex) = (t.site_id, t.epc_hex) AND s.first_at = v.entered_at
    WHERE v.site_id = %(site_id)s AND v.entered_at >= %(since)s
        AND s.gate_id = %(gate_id)s AND s.side = 'inside' AND s.is_accepted
    UNION ALL
    SELECT last_at, began_at, false, false FROM twin.standing
    WHERE site_id = %(site_id)s AND gate_id = %(gate_id)s AND direction = 'in' AND outcome = 'standing'
        AND last_at >= %(since)s"""
PLATES = "SELECT vehicle_id, plate FROM twin.vehicle WHERE vehicle_id = ANY (%(vehicle_ids)s)"
# Alarms of one subject that overlap a period: of the same vehicle, or of none known and the same units.
ALARMS_AT = """
    SELECT alarm_id, kind, grade, state, vehicle_id, lot_ids, unit_ids, first_at, last_at, facts, evidence,
        cleared_by
    FROM twin.alarm
    WHERE site_id = %(site_id)s AND kind = ANY (%(kinds)s) AND subject = %(subject)s
        AND last_at >= %(first_at)s AND first_at <= %(last_at)s
        AND (vehicle_id = %(vehicle_id)s::text
            OR vehicle_id IS NULL AND (%(vehicle_id)s::text IS NULL OR unit_ids && %(unit_ids)s))
    ORDER BY (vehicle_id IS NULL), raised_at, alarm_id FOR UPDATE"""
INSERT_ALARM = """
    INSERT INTO twin.alarm (alarm_id, site_id, kind, subject, grade, state, gate_id, vehicle_id, lot_ids,
        unit_ids, first_at, last_at, raised_at, facts, evidence)
    VALUES (%(alarm_id)s, %(site_id)s, %(kind)s, %(subject)s, %(grade)s, 'active', %(gate_id)s,
        %(vehicle_id)s, %(lot_ids)s, %(unit_ids)s, %(first_at)s, %(last_at)s, %(raised_at)s, %(facts)s::jsonb,
        %(evidence)s::jsonb)"""
UPDATE_ALARM = """
    UPDATE twin.alarm SET kind = %(kind)s, grade = %(grade)s, vehicle_id = %(vehicle_id)s,
        lot_ids = %(lot_ids)s, unit_ids = %(unit_ids)s, first_at = %(first_at)s, last_at = %(last_at)s,
        facts = %(facts)s::jsonb, evidence = %(evidence)s::jsonb,
        state = CASE WHEN %(reopen)s THEN 'active' ELSE state END,
        cleared_at = CASE WHEN %(reopen)s THEN NULL ELSE cleared_at END,
        cleared_by = CASE WHEN %(reopen)s THEN NULL ELSE cleared_by END,
        clear_reason = CASE WHEN %(reopen)s THEN NULL ELSE clear_reason END,
        acknowledged_at = CASE WHEN %(reopen)s THEN NULL ELSE acknowledged_at END,
        acknowledged_by = CASE WHEN %(reopen)s THEN NULL ELSE acknowledged_by END
    WHERE alarm_id = %(alarm_id)s"""
CLEAR_ALARM = """
    UPDATE twin.alarm
    SET state = 'cleared', cleared_at = %(now)s, cleared_by = %(by)s, clear_reason = %(reason)s
    WHERE alarm_id = %(alarm_id)s AND state = 'active'"""
ACKNOWLEDGE = """
    UPDATE twin.alarm SET acknowledged_at = %(now)s, acknowledged_by = %(by)s
    WHERE alarm_id = %(alarm_id)s AND acknowledged_at IS NULL"""
ALARM_SITE = """
    SELECT site_id, kind, grade, unit_ids, first_at, last_at, facts FROM twin.alarm
    WHERE alarm_id = %(alarm_id)s"""
# Of these units those that a gate saw go out and not come back, that no release since then names, and that
# the books still have.
GONE = """
    SELECT u.unit_id FROM twin.unit u
    WHERE u.unit_id = ANY (%(unit_ids)s) AND u.level = 'missing'
        AND u.claim_cause IS DISTINCT FROM 'counted_out' AND NOT EXISTS (
        SELECT FROM twin.expected_departure d
        WHERE d.unit_ids @> ARRAY[u.unit_id] AND d.valid_from >= %(since)s AND d.cancelled_at IS NULL)
    ORDER BY u.unit_id"""
KEPT_BY = "SELECT 1 FROM twin.site WHERE site_id = %(site_id)s AND keeper_party_id = %(party_id)s"
PUT_GRADES = """
    UPDATE twin.unit u SET alarm_grade = g.grade
    FROM (
        SELECT r.unit_id, (
            SELECT a.grade FROM twin.alarm a
            WHERE a.unit_ids @> ARRAY[r.unit_id] AND a.state = 'active'
            ORDER BY array_position(ARRAY['freeze', 'restrict', 'check', 'note'], a.grade) LIMIT 1) AS grade
        FROM unnest(%(unit_ids)s::text[]) AS r (unit_id)
    ) g
    WHERE u.unit_id = g.unit_id AND u.alarm_grade IS DISTINCT FROM g.grade"""
# Units of the lots of these that a device within the site saw after they were gone; lots without any too.
SEEN_AFTER_EXIT = """
    SELECT l.lot_id, d.unit_id, u.epc_hex, d.since, d.facts ->> 'observation_id' AS observation_id
    FROM (SELECT DISTINCT lot_id FROM twin.unit WHERE unit_id = ANY (%(unit_ids)s)) l
    LEFT JOIN twin.discrepancy d
        ON d.lot_id = l.lot_id AND d.cause = 'seen_after_exit' AND d.settled_at IS NULL
    LEFT JOIN twin.unit u ON u.unit_id = d.unit_id
    ORDER BY l.lot_id, d.since, d.unit_id"""
ACTIVE_OF = """
    SELECT alarm_id, state, vehicle_id, unit_ids, first_at, facts, evidence FROM twin.alarm
    WHERE site_id = %(site_id)s AND kind = %(kind)s AND subject = ANY (%(subjects)s) AND state = 'active'
    ORDER BY alarm_id FOR UPDATE"""
CHECKS = """
    SELECT c.check_key, c.delivery_id, c.vehicle_id, c.unit_ids, c.measured_g, c.expected_g, c.differs,
        c.weighed_at, c.evidence_ids, v.left_at,
        (SELECT coalesce(array_agg(DISTINCT u.lot_id ORDER BY u.lot_id), '{}') FROM twin.unit u
            WHERE u.unit_id = ANY (c.unit_ids)) AS lot_ids
    FROM twin.mass_check c
    LEFT JOIN twin.visit v ON v.vehicle_id = c.vehicle_id AND v.exit ->> 'observation_id' = c.observation_id
    WHERE c.site_id = %(site_id)s AND c.kind = 'delivery' AND c.vehicle_id = ANY (%(vehicle_ids)s)"""


async def crossings_out(
    tx: Tx, site_id: str, gate_id: str, first_at: datetime, last_at: datetime
) -> list[Row]:
    """Declared units that went out through the gate in a period."""
    period = {"site_id": site_id, "gate_id": gate_id, "first_at": first_at, "last_at": last_at}
    return await tx.rows(CROSSINGS_OUT, period)


async def gone_with(
    tx: Tx, site_id: str, gate_id: str, unit_ids: Collection[str], first_at: datetime, left_at: datetime
) -> list[Row]:
    """Those of these units that were heard at the gate before their vehicle left there; `heard_at` is when
    they were heard last."""
    period = {"site_id": site_id, "gate_id": gate_id, "first_at": first_at, "left_at": left_at}
    return await tx.rows(GONE_WITH, {**period, "unit_ids": sorted(unit_ids)}) if unit_ids else []


async def standings_out(
    tx: Tx, site_id: str, gate_id: str, first_at: datetime, last_at: datetime
) -> list[Row]:
    """Vehicles that stood outwards at the gate in a period."""
    period = {"site_id": site_id, "gate_id": gate_id, "first_at": first_at, "last_at": last_at}
    return await tx.rows(STANDINGS_OUT, period)


async def releases(tx: Tx, site_id: str, gate_id: str, first_at: datetime, last_at: datetime) -> list[Row]:
    """Releases for the gate that were valid some time in a period."""
    period = {"site_id": site_id, "gate_id": gate_id, "first_at": first_at, "last_at": last_at}
    return await tx.rows(RELEASES, period)


async def released(
    tx: Tx,
    site_id: str,
    gate_id: str,
    vehicle_id: str,
    began_at: datetime,
    first_at: datetime,
    last_at: datetime,
) -> tuple[list[Row], int]:
    """What is released to a vehicle which came to the gate at `began_at` and whose units went out between
    `first_at` and `last_at`: each unit with its lot and grams, and the grams of everything together."""
    named = {"site_id": site_id, "gate_id": gate_id, "vehicle_id": vehicle_id, "began_at": began_at}
    rows = await tx.rows(RELEASED, {**named, "first_at": first_at, "last_at": last_at})
    of_units: Counter[str] = Counter()
    stated: dict[str, int] = {}
    for row in rows:
        of_units[row["release_id"]] += row["mass_g"]
        if row["released_g"] is not None:
            stated[row["release_id"]] = row["released_g"]
    units = {row["unit_id"]: row for row in rows}
    return list(units.values()), sum({**of_units, **stated}.values())


async def passages_due(tx: Tx, site_id: str, gates: Mapping[str, datetime]) -> None:
    """Note that passages are to be judged at these gates, each from a moment on."""
    if gates:
        due = {"gate_ids": list(gates), "since": list(gates.values())}
        await tx.run(PASSAGES_DUE, {"site_id": site_id, **due})


async def lock_due(tx: Tx) -> list[tuple[str, str, datetime]]:
    """Sites and gates at which passages are to be judged, locked, and since when."""
    return [(row["site_id"], row["gate_id"], row["since"]) for row in await tx.rows(LOCK_DUE)]


async def loop_free_before(tx: Tx, site_id: str, gate_id: str, before: datetime) -> datetime | None:
    """When an accepted barrier of the gate last said, up to a moment, that its loop was free."""
    named = {"site_id": site_id, "gate_id": gate_id, "before": before}
    free_at: datetime | None = await tx.value(LOOP_FREE_BEFORE, named)
    return free_at


async def due_since(tx: Tx, site_id: str, gate_id: str, since: datetime | None) -> None:
    """What has to be judged again at the gate begins then; None: nothing has."""
    named = {"site_id": site_id, "gate_id": gate_id}
    await tx.run(NOT_DUE if since is None else DUE_SINCE, {**named, "since": since})


async def vehicles_through(tx: Tx, site_id: str, gate_id: str, since: datetime, heavy_g: int) -> list[Row]:
    """See `VEHICLES_THROUGH`. What came in is sure to be a vehicle when an accepted scale weighed it as
    `heavy_g` or more."""
    named = {"site_id": site_id, "gate_id": gate_id, "since": since, "heavy_g": heavy_g}
    return await tx.rows(VEHICLES_THROUGH, named)


async def plates(tx: Tx, vehicle_ids: Collection[str]) -> dict[str, str]:
    rows = await tx.rows(PLATES, {"vehicle_ids": sorted(vehicle_ids)})
    return {row["vehicle_id"]: row["plate"] for row in rows}


async def delivery_checks(tx: Tx, site_id: str, vehicle_ids: Collection[str]) -> list[Row]:
    """Weighings of deliveries by these vehicles; `left_at` None while the vehicle is still here."""
    return await tx.rows(CHECKS, {"site_id": site_id, "vehicle_ids": sorted(vehicle_ids)})


async def alarms_at(tx: Tx, where: Row, kinds: Sequence[str]) -> list[Row]:
    """Alarms a derived incident may be the same as: `where` names site, subject, vehicle and period."""
    return await tx.rows(ALARMS_AT, {**where, "kinds": list(kinds)})


async def seen_after_exit(tx: Tx, unit_ids: Collection[str]) -> dict[str, list[Row]]:
    """By lot of these units, those that a device within the site saw after they were gone."""
    found: dict[str, list[Row]] = {}
    for row in await tx.rows(SEEN_AFTER_EXIT, {"unit_ids": sorted(unit_ids)}):
        claims = found.setdefault(row["lot_id"], [])
        if row["unit_id"] is not None:
            claims.append(row)
    return found


async def active_of(tx: Tx, site_id: str, kind: str, subjects: Collection[str]) -> list[Row]:
    """Active alarms of one kind about any of these subjects."""
    return await tx.rows(ACTIVE_OF, {"site_id": site_id, "kind": kind, "subjects": sorted(subjects)})


async def insert_alarm(tx: Tx, alarm: Row) -> None:
    await tx.run(INSERT_ALARM, _stored(alarm))


async def update_alarm(tx: Tx, alarm: Row, *, reopen: bool) -> None:
    await tx.run(UPDATE_ALARM, {**_stored(alarm), "reopen": reopen})


def _stored(alarm: Row) -> Row:
    return {**alarm, "facts": as_json(alarm["facts"]), "evidence": as_json(alarm["evidence"])}


async def clear_alarm(tx: Tx, alarm_id: str, by: str, reason: str) -> bool:
    """True when it was active."""
    return await tx.run(CLEAR_ALARM, {"alarm_id": alarm_id, "now": tx.now, "by": by, "reason": reason}) == 1


async def acknowledge(tx: Tx, alarm_id: str, by: str) -> None:
    await tx.run(ACKNOWLEDGE, {"alarm_id": alarm_id, "now": tx.now, "by": by})


async def alarm_site(tx: Tx, alarm_id: str) -> Row | None:
    """Site, kind, grade, units, period and facts of an alarm; None when there is none."""
    return await tx.row(ALARM_SITE, {"alarm_id": alarm_id})


async def gone(tx: Tx, unit_ids: Collection[str], since: datetime) -> list[str]:
    """Those of these units that went out, are not back, were not released since nor counted out."""
    rows = await tx.rows(GONE, {"unit_ids": sorted(unit_ids), "since": since})
    return [row["unit_id"] for row in rows]


async def is_keeper(tx: Tx, site_id: str, party_id: str) -> bool:
    return await tx.value(KEPT_BY, {"site_id": site_id, "party_id": party_id}) is not None


async def put_grades(tx: Tx, unit_ids: Collection[str]) -> None:
    """Show on each unit the gravest active alarm that concerns it."""
    if unit_ids:
        await tx.run(PUT_GRADES, {"unit_ids": sorted(unit_ids)})
