"""SQL of what is believed of units and lots, and of discrepancies."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import msgspec

from kernel.tx import ReadTx, Row, Tx
from twin.evidence.model import Discrepancy, LotEvidence, MassCheck, UnitSeen
from twin.messages import DeviceSpan
from twin.presence.model import Track
from twin.presence.sights import SlotSeen
from twin.presence.store import as_json

# All that a unit's belief rests on: declaration, claim, folded sightings, weighing, leaving, expectations,
# the sight of its slot and what was put there after it.
# It came back `unguarded` when the barrier of the gate was not known to be shut all the while it was out.
UNIT_GROUNDS = """
    SELECT u.unit_id, u.site_id, u.lot_id, u.epc_hex, u.expected_mass_g, u.claimed_slot_id, u.claimed_at,
        u.place, u.slot_id, u.x_m, u.y_m, u.z_m, u.level, u.probability, u.modalities, u.evidence_ids,
        u.mass_g, u.last_seen_at, t.state::text AS track, c.check_key, c.weighed_at, c.observation_id,
        c.measured_g, c.expected_g, c.unit_count,
        (SELECT max(s.left_at) FROM twin.standing s WHERE s.unit_ids @> ARRAY[u.unit_id]) AS left_at,
        (SELECT max(i.crossed_at) FROM twin.crossing i, LATERAL (
                SELECT o.direction, o.gate_id, o.crossed_at FROM twin.crossing o
                WHERE (o.site_id, o.epc_hex) = (i.site_id, i.epc_hex) AND o.crossed_at < i.crossed_at
                ORDER BY o.crossed_at DESC LIMIT 1) o
            WHERE (i.site_id, i.epc_hex) = (u.site_id, u.epc_hex) AND i.direction = 'in'
                AND o.direction = 'out' AND (o.gate_id <> i.gate_id
                    OR EXISTS (SELECT FROM twin.barrier_state b
                        WHERE (b.site_id, b.gate_id) = (i.site_id, i.gate_id) AND NOT b.is_closed
                            AND b.observed_at BETWEEN o.crossed_at AND i.crossed_at)
                    OR (SELECT b.is_closed FROM twin.barrier_state b
                        WHERE (b.site_id, b.gate_id) = (i.site_id, i.gate_id)
                            AND b.observed_at <= o.crossed_at AND b.is_accepted
                        ORDER BY b.observed_at DESC, b.is_closed LIMIT 1) IS NOT TRUE)) AS unguarded_at,
        (SELECT max(v.left_at) FROM twin.expected_arrival a
            JOIN twin.visit v ON v.vehicle_id = a.vehicle_id AND v.left_at > a.declared_at
            WHERE a.unit_ids @> ARRAY[u.unit_id]) AS delivery_done_at,
        (SELECT max(m.weighed_at) FROM twin.mass_check m
            WHERE m.unit_ids @> ARRAY[u.unit_id] AND m.kind = 'delivery' AND m.differs
                AND NOT EXISTS (SELECT FROM twin.mass_check r WHERE r.check_key = 'received:' || m.delivery_id
                    AND r.agrees AND r.unit_ids @> ARRAY[u.unit_id])) AS mass_differs_at,
        y.slot_id AS sight_slot_id, y.occupied_at, y.occupied_id, y.empty_at,
        (SELECT max(o.observed_at) FROM twin.sighting o
            WHERE (o.site_id, o.slot_id) = (t.site_id, t.state ->> 'slot_id')
                AND o.kind = 'set_down' AND o.epc_hex <> t.epc_hex) AS placed_over_at,
        (SELECT jsonb_agg(jsonb_build_array(d.valid_from, least(d.valid_until, d.cancelled_at)))
            FROM twin.expected_departure d WHERE d.unit_ids @> ARRAY[u.unit_id]) AS releases
    FROM twin.unit u
    LEFT JOIN twin.track t ON (t.site_id, t.epc_hex) = (u.site_id, u.epc_hex)
    LEFT JOIN twin.slot_sight y ON (y.site_id, y.slot_id) = (t.site_id, t.state ->> 'slot_id')
    LEFT JOIN LATERAL (
        SELECT m.check_key, m.weighed_at, m.observation_id, m.measured_g, m.expected_g,
            cardinality(m.unit_ids) AS unit_count
        FROM twin.mass_check m WHERE m.unit_ids @> ARRAY[u.unit_id] AND m.agrees
        ORDER BY m.weighed_at DESC, m.check_key LIMIT 1
    ) c ON true
    WHERE u.unit_id = ANY (%(unit_ids)s) ORDER BY u.unit_id"""
UNIT_COLUMNS = (
    "place",
    "slot_id",
    "x_m",
    "y_m",
    "z_m",
    "level",
    "probability",
    "modalities",
    "evidence_ids",
    "mass_g",
    "last_seen_at",
)
PUT_UNITS = """
    UPDATE twin.unit u SET place = r.place, slot_id = r.slot_id, x_m = r.x_m, y_m = r.y_m, z_m = r.z_m,
        level = r.level, probability = r.probability, modalities = r.modalities,
        evidence_ids = r.evidence_ids, mass_g = r.mass_g, last_seen_at = r.last_seen_at
    FROM jsonb_to_recordset(%(units)s::jsonb) AS r (unit_id text, place text, slot_id text,
        x_m double precision, y_m double precision, z_m double precision, level text,
        probability double precision, modalities jsonb, evidence_ids jsonb, mass_g bigint,
        last_seen_at timestamptz)
    WHERE u.unit_id = r.unit_id"""
# Lots are locked in one order before their units are counted, so that no count rests on half a change.
LOCK_LOTS = """
    SELECT lot_id, site_id, unit_count_low AS low, unit_count_mid AS mid, unit_count_high AS high,
        mass_g_low, mass_g_mid, mass_g_high, modalities, evidence_ids, as_of
    FROM twin.lot WHERE lot_id = ANY (%(lot_ids)s) ORDER BY lot_id FOR UPDATE"""
# Units are locked in one order everywhere, so that a claim and a fold cannot wait for each other.
LOCK_UNITS = "SELECT unit_id FROM twin.unit WHERE unit_id = ANY (%(unit_ids)s) ORDER BY unit_id FOR UPDATE"
LOTS_OF = "SELECT DISTINCT lot_id FROM twin.unit WHERE unit_id = ANY (%(unit_ids)s)"
# One text a lot: of thousands of rows most of the time would go into taking them apart.
SEEN_UNITS = """
    SELECT lot_id, json_agg(seen ORDER BY unit_id)::text AS seen
    FROM (SELECT u.lot_id, u.unit_id, u.modalities, u.evidence_ids, u.mass_g,
            u.evidence_ids ->> 'mass' AS weighing FROM twin.unit u
        WHERE u.lot_id = ANY (%(lot_ids)s) AND u.modalities <> '{}') seen
    GROUP BY lot_id"""
PUT_LOTS = """
    UPDATE twin.lot l SET unit_count_low = r.low, unit_count_mid = r.mid, unit_count_high = r.high,
        mass_g_low = r.mass_g_low, mass_g_mid = r.mass_g_mid, mass_g_high = r.mass_g_high,
        modalities = r.modalities, evidence_ids = r.evidence_ids, as_of = r.as_of
    FROM jsonb_to_recordset(%(lots)s::jsonb) AS r (lot_id text, low integer, mid integer, high integer,
        mass_g_low bigint, mass_g_mid bigint, mass_g_high bigint, modalities jsonb, evidence_ids jsonb,
        as_of timestamptz)
    WHERE l.lot_id = r.lot_id"""
OPEN_DISCREPANCIES = """
    SELECT discrepancy_key FROM twin.discrepancy WHERE unit_id = ANY (%(unit_ids)s) AND settled_at IS NULL"""
SETTLE = """
    UPDATE twin.discrepancy SET settled_at = %(now)s
    WHERE discrepancy_key = ANY (%(keys)s) AND settled_at IS NULL"""
PUT_DISCREPANCIES = """
    INSERT INTO twin.discrepancy (discrepancy_key, site_id, lot_id, unit_id, kind, cause, since, facts)
    SELECT r.* FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (discrepancy_key text, site_id text, lot_id text,
        unit_id text, kind text, cause text, since timestamptz, facts jsonb)
    ON CONFLICT (discrepancy_key) DO UPDATE SET (cause, since, facts, settled_at) =
        (EXCLUDED.cause, EXCLUDED.since, EXCLUDED.facts, NULL)
    WHERE (discrepancy.cause, discrepancy.since, discrepancy.facts, discrepancy.settled_at)
        IS DISTINCT FROM (EXCLUDED.cause, EXCLUDED.since, EXCLUDED.facts, NULL::timestamptz)"""
# Each observation named with each of the units it is of, and what has happened to the unit since. A weighing
# of a vehicle is of all units it brought or took.
WITNESSES = """
    WITH named AS (
        SELECT s.observation_id, CASE s.kind WHEN 'tag' THEN 'tag' ELSE 'position' END AS modality,
            s.observed_at AS at, s.side, false AS was_leaving, u.unit_id
        FROM twin.sighting s JOIN twin.unit u ON (u.site_id, u.epc_hex) = (s.site_id, s.epc_hex)
        WHERE s.observation_id = ANY (%(observation_ids)s) AND u.unit_id = ANY (%(unit_ids)s)
            AND s.is_accepted
        UNION
        SELECT m.observation_id, 'mass', m.weighed_at, NULL, m.kind = 'exit', of.unit_id
        FROM twin.mass_check m CROSS JOIN LATERAL unnest(m.unit_ids) of (unit_id)
        WHERE m.observation_id = ANY (%(observation_ids)s) AND m.agrees
            AND m.unit_ids && %(unit_ids)s AND of.unit_id = ANY (%(unit_ids)s)
    )
    SELECT n.*, u.sscc, u.modalities <> '{}' AS is_here, c.direction AS crossed, c.crossed_at,
        (SELECT max(v.left_at) FROM twin.standing v WHERE v.unit_ids @> ARRAY[n.unit_id]) AS left_at
    FROM named n JOIN twin.unit u USING (unit_id)
    LEFT JOIN LATERAL (
        SELECT x.direction, x.crossed_at FROM twin.crossing x
        WHERE (x.site_id, x.epc_hex) = (u.site_id, u.epc_hex) ORDER BY x.crossed_at DESC LIMIT 1) c ON true
    ORDER BY n.observation_id, n.unit_id"""
# What the units' presence rests on now. A read by the outer antenna of a gate says nothing of presence, nor
# does a weighing on the way out. A sight is of a slot and not of a unit by name.
SEEN_SINCE = """
    SELECT e.observation_id, e.modality, e.at, array_agg(u.unit_id ORDER BY u.unit_id) AS unit_ids,
        array_agg(u.sscc ORDER BY u.unit_id) AS ssccs
    FROM twin.unit u CROSS JOIN LATERAL (
        SELECT i.key AS modality, i.value AS observation_id, (u.modalities ->> i.key)::timestamptz AS at
        FROM jsonb_each_text(u.evidence_ids) i) e
    WHERE u.unit_id = ANY (%(unit_ids)s) AND e.at > %(since)s AND e.modality <> 'sight'
        AND NOT EXISTS (SELECT FROM twin.sighting s
            WHERE s.observation_id = e.observation_id AND s.side = 'outside')
        AND NOT EXISTS (SELECT FROM twin.mass_check m
            WHERE m.observation_id = e.observation_id AND m.kind = 'exit')
    GROUP BY e.observation_id, e.modality, e.at
    ORDER BY e.at DESC, e.observation_id LIMIT %(limit)s"""

# Of the net mass that a unit counts by, the first of its weighings.
MASS_BEGAN_AT = """(SELECT min(w.weighed_at) FROM twin.mass_check m
            CROSS JOIN LATERAL jsonb_array_elements_text(m.evidence_ids) e (weighing_id)
            JOIN twin.weighing w ON w.observation_id = e.weighing_id
            WHERE m.unit_ids @> ARRAY[u.unit_id]
                AND m.observation_id = u.evidence_ids ->> 'mass')"""
UNSEEN_SINCE = f"""
    SELECT u.unit_id FROM twin.unit u
    WHERE u.unit_id = ANY (%(unit_ids)s) AND u.modalities <> '{{}}'
        AND NOT coalesce(%(moment)s < greatest((u.modalities ->> 'tag')::timestamptz,
            (u.modalities ->> 'position')::timestamptz,
            CASE WHEN u.modalities ? 'mass'
                THEN coalesce({MASS_BEGAN_AT}, (u.modalities ->> 'mass')::timestamptz) END), false)
    ORDER BY u.unit_id"""  # noqa: S608
# The units that count, what their presence rests on, and those of the spans that concern them: of devices at
# gates from the unit's first sighting on, of others when they saw it or the slot it counts in.
CONCERNED = f"""
    WITH span AS (
        SELECT * FROM jsonb_to_recordset(%(spans)s::jsonb)
            AS r (device_id text, since timestamptz, until timestamptz)
    ), at_gate AS MATERIALIZED (
        SELECT * FROM span s
        WHERE EXISTS (SELECT FROM twin.sighting x WHERE x.device_id = s.device_id
                AND x.observed_at BETWEEN s.since AND s.until AND x.gate_id IS NOT NULL)
            OR EXISTS (SELECT FROM twin.weighing w WHERE split_part(w.observation_id, ':', 1) = s.device_id
                AND w.weighed_at BETWEEN s.since AND s.until)
            OR EXISTS (SELECT FROM twin.barrier_state b WHERE b.device_id = s.device_id
                AND b.observed_at BETWEEN s.since AND s.until)
    )
    SELECT u.unit_id, u.modalities, c.spans,
        {MASS_BEGAN_AT} AS mass_began_at
    FROM twin.unit u CROSS JOIN LATERAL (
        SELECT jsonb_agg(of) AS spans FROM (
            SELECT * FROM at_gate g WHERE g.until >= coalesce((SELECT min(x.observed_at) FROM twin.sighting x
                WHERE (x.site_id, x.epc_hex) = (u.site_id, u.epc_hex)), '-infinity')
            UNION
            SELECT * FROM span s
            WHERE EXISTS (SELECT FROM twin.sighting x
                    WHERE (x.site_id, x.epc_hex) = (u.site_id, u.epc_hex) AND x.device_id = s.device_id
                        AND x.observed_at BETWEEN s.since AND s.until)
                OR (split_part(u.evidence_ids ->> 'sight', ':', 1) = s.device_id
                    AND (u.modalities ->> 'sight')::timestamptz BETWEEN s.since AND s.until)) of) c
    WHERE u.unit_id = ANY (%(unit_ids)s) AND u.modalities <> '{{}}' AND c.spans IS NOT NULL
    ORDER BY u.unit_id"""  # noqa: S608


_seen_units = msgspec.json.Decoder(list[UnitSeen])


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit's belief rests on, and the row as it stands."""

    row: Row
    track: Track | None
    check: MassCheck | None
    left_at: datetime | None
    unguarded_at: datetime | None
    """When it last came in again after the barrier had not been shut all the while it was out."""
    delivery_done_at: datetime | None
    releases: list[tuple[datetime, datetime]]
    """From when until when the unit was released."""
    slot: SlotSeen | None = None
    """What cameras made of the slot it was put into."""
    placed_over_at: datetime | None = None
    """When another tag was last put into the same slot."""


async def grounds(read: ReadTx, unit_ids: Collection[str]) -> list[Grounds]:
    """The grounds of units, in the order of their ids."""
    return [_grounds(row) for row in await read.rows(UNIT_GROUNDS, {"unit_ids": sorted(unit_ids)})]


def _grounds(row: Row) -> Grounds:
    check = None
    if row["check_key"] is not None:
        check = MassCheck(
            check_key=row["check_key"],
            weighed_at=row["weighed_at"].astimezone(UTC),
            observation_id=row["observation_id"],
            measured_g=row["measured_g"],
            expected_g=row["expected_g"],
            unit_count=row["unit_count"],
        )
    return Grounds(
        row=row,
        track=None if row["track"] is None else msgspec.json.decode(row["track"], type=Track),
        check=check,
        left_at=row["left_at"],
        unguarded_at=row["unguarded_at"],
        delivery_done_at=row["delivery_done_at"],
        releases=msgspec.convert(row["releases"] or [], list[tuple[datetime, datetime]]),
        slot=_slot(row),
        placed_over_at=row["placed_over_at"],
    )


def _slot(row: Row) -> SlotSeen | None:
    """Moments in UTC, as they are kept in a unit's row."""
    if row["sight_slot_id"] is None:
        return None
    moments = {
        name: None if row[name] is None else row[name].astimezone(UTC) for name in ("occupied_at", "empty_at")
    }
    return SlotSeen(slot_id=row["sight_slot_id"], occupied_id=row["occupied_id"], **moments)


async def witnesses(tx: Tx, unit_ids: Sequence[str], observation_ids: Sequence[str]) -> list[Row]:
    """A row for each of the observations and each of the units it is of, in the order of their ids."""
    return await tx.rows(WITNESSES, {"unit_ids": list(unit_ids), "observation_ids": list(observation_ids)})


async def seen_since(read: ReadTx, unit_ids: Sequence[str], since: datetime, limit: int) -> list[Row]:
    """The newest observation of each of the units by each modality, of those made after `since`."""
    return await read.rows(SEEN_SINCE, {"unit_ids": list(unit_ids), "since": since, "limit": limit})


async def concerned(tx: Tx, unit_ids: Sequence[str], spans: Sequence[DeviceSpan]) -> list[Row]:
    """A row for each of the units that counts and that one of the spans concerns."""
    return await tx.rows(CONCERNED, {"unit_ids": list(unit_ids), "spans": as_json(spans)})


async def unseen_since(tx: Tx, unit_ids: Sequence[str], moment: datetime) -> list[str]:
    """Those of the units that count, but by nothing said of them by name after the moment."""
    rows = await tx.rows(UNSEEN_SINCE, {"unit_ids": list(unit_ids), "moment": moment})
    return [row["unit_id"] for row in rows]


async def lock_units(tx: Tx, unit_ids: Collection[str]) -> None:
    """Hold the units' rows, so that grounds and what is written of them belong together."""
    await tx.rows(LOCK_UNITS, {"unit_ids": sorted(unit_ids)})


async def put_units(tx: Tx, units: Sequence[Row]) -> None:
    if units:
        await tx.run(PUT_UNITS, {"units": as_json(units)})


async def lots_of(tx: Tx, unit_ids: Collection[str]) -> list[str]:
    rows = await tx.rows(LOTS_OF, {"unit_ids": sorted(unit_ids)})
    return sorted(row["lot_id"] for row in rows)


async def lock_lots(tx: Tx, lot_ids: Collection[str]) -> dict[str, Row]:
    """The lots as they stand, locked."""
    return {row["lot_id"]: row for row in await tx.rows(LOCK_LOTS, {"lot_ids": sorted(lot_ids)})}


async def seen_units(read: ReadTx, lot_ids: Collection[str]) -> dict[str, list[UnitSeen]]:
    """Units that are here and were seen, by lot."""
    found: dict[str, list[UnitSeen]] = {lot_id: [] for lot_id in lot_ids}
    for row in await read.rows(SEEN_UNITS, {"lot_ids": sorted(lot_ids)}):
        found[row["lot_id"]] = _seen_units.decode(row["seen"])
    return found


async def put_lots(tx: Tx, lots: Sequence[Row]) -> None:
    if lots:
        await tx.run(PUT_LOTS, {"lots": as_json(lots)})


def lot_row(lot_id: str, evidence: LotEvidence, evidence_ids: Sequence[str]) -> Row:
    """The row of a lot from what was counted."""
    return {
        "lot_id": lot_id,
        "low": evidence.count.low,
        "mid": evidence.count.mid,
        "high": evidence.count.high,
        "mass_g_low": evidence.mass_g_low,
        "mass_g_mid": evidence.mass_g_mid,
        "mass_g_high": evidence.mass_g_high,
        "modalities": evidence.modalities,
        "evidence_ids": list(evidence_ids),
        "as_of": evidence.as_of,
    }


async def replace_discrepancies(
    tx: Tx, unit_ids: Collection[str], found: Sequence[tuple[Row, Discrepancy]]
) -> None:
    """Open what is found of these units, settle what is found no longer. `Row` is the unit's own."""
    rows = [
        {
            "discrepancy_key": f"{discrepancy.kind}:{unit['unit_id']}",
            "site_id": unit["site_id"],
            "lot_id": unit["lot_id"],
            "unit_id": unit["unit_id"],
            **msgspec.structs.asdict(discrepancy),
        }
        for unit, discrepancy in found
    ]
    open_rows = await tx.rows(OPEN_DISCREPANCIES, {"unit_ids": sorted(unit_ids)})
    gone = {row["discrepancy_key"] for row in open_rows} - {row["discrepancy_key"] for row in rows}
    if gone:
        await tx.run(SETTLE, {"keys": sorted(gone), "now": tx.now})
    if rows:
        await tx.run(PUT_DISCREPANCIES, {"rows": as_json(rows)})
