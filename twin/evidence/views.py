"""Reads of verified stock: for finance, for the list of lots, and the explanation of one lot or unit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from kernel.errors import NotFound
from kernel.messages import device_of
from kernel.tx import ReadTx, Row, Tx
from twin.evidence import store
from twin.evidence.doubt import Told, doubted
from twin.evidence.witness import Ground, shows_here
from twin.messages import (
    DeviceSpan,
    Modality,
    Part,
    UnitEvidence,
    UnitState,
    VerifiedStock,
    Witness,
)
from twin.presence.views import UNIT_COLUMNS, unit_state

LOT = """
    SELECT lot_id, site_id, sku, owner_party_id, unit_count_low, unit_count_mid, unit_count_high, mass_g_low,
        mass_g_mid, mass_g_high, modalities, evidence_ids, as_of
    FROM twin.lot WHERE lot_id = %(lot_id)s"""
LOT_UNITS = """
    SELECT unit_id, sscc, probability, level, modalities, evidence_ids, slot_id, mass_g, last_seen_at
    FROM twin.unit WHERE lot_id = %(lot_id)s ORDER BY unit_id"""
LOTS = """
    SELECT l.lot_id, l.site_id, l.sku, l.owner_party_id, p.name AS owner_name, l.unit_count_low,
        l.unit_count_mid, l.unit_count_high, l.mass_g_low, l.mass_g_mid, l.mass_g_high, l.modalities, l.as_of,
        (SELECT count(*) FROM twin.discrepancy d
            WHERE d.lot_id = l.lot_id AND d.settled_at IS NULL) AS discrepancies
    FROM twin.lot l
    LEFT JOIN identity.party p ON p.party_id = l.owner_party_id
    WHERE l.site_id = %(site_id)s AND (%(after)s::text IS NULL OR l.lot_id > %(after)s)
        AND EXISTS (SELECT FROM twin.unit u WHERE u.lot_id = l.lot_id)
    ORDER BY l.lot_id LIMIT %(limit)s"""
DISCREPANCIES = """
    SELECT kind, unit_id, since, cause, facts FROM twin.discrepancy
    WHERE lot_id = %(lot_id)s AND settled_at IS NULL ORDER BY since, discrepancy_key LIMIT 1000"""
UNITS = f"""
    SELECT {UNIT_COLUMNS} FROM twin.unit
    WHERE site_id = %(site_id)s AND (%(after)s::text IS NULL OR unit_id > %(after)s)
        AND (%(lot)s::text IS NULL OR lot_id = %(lot)s)
        AND (%(slot)s::text IS NULL OR slot_id = %(slot)s OR claimed_slot_id = %(slot)s)
        AND (%(query)s::text IS NULL OR strpos(sscc, %(query)s) > 0 OR strpos(unit_id, %(query)s) > 0
            OR strpos(lower(sku), lower(%(query)s)) > 0 OR epc_hex = upper(%(query)s)
            OR strpos(lot_id, %(query)s) > 0)
    ORDER BY unit_id LIMIT %(limit)s"""  # noqa: S608
UNIT = f"SELECT {UNIT_COLUMNS} FROM twin.unit WHERE site_id = %(site_id)s AND unit_id = %(unit_id)s"  # noqa: S608
CLAIMS = """
    SELECT slot_id, claimed_at, cause FROM twin.claim
    WHERE unit_id = %(unit_id)s ORDER BY claimed_at DESC, claim_id DESC LIMIT 50"""
# Gate reads come by the hundred: of each stay at a portal the first and the last read are shown.
SIGHTINGS = """
    SELECT observation_id, device_id, kind, observed_at AS at, gate_id, side, slot_id, rssi_cdbm, x_m, y_m
    FROM (
        SELECT s.*, lag(s.side) OVER w IS DISTINCT FROM s.side OR lag(s.kind) OVER w <> s.kind
            OR s.observed_at - lag(s.observed_at) OVER w > interval '30 seconds' AS is_first,
            lead(s.side) OVER w IS DISTINCT FROM s.side OR lead(s.kind) OVER w <> s.kind
            OR lead(s.observed_at) OVER w - s.observed_at > interval '30 seconds' AS is_last
        FROM (
            SELECT * FROM twin.sighting WHERE site_id = %(site_id)s AND epc_hex = %(epc_hex)s
            ORDER BY observed_at DESC LIMIT 2000
        ) s
        WINDOW w AS (ORDER BY s.observed_at, s.device_id, s.boot, s.sequence)
    ) marked
    WHERE is_first OR is_last OR kind <> 'tag'
    ORDER BY observed_at DESC, observation_id DESC LIMIT 100"""


class LotRow(Part, frozen=True, kw_only=True):
    """A lot with what sensors vouch for; what the books have of it, wms knows."""

    lot_id: str
    site_id: str
    sku: str
    owner_party_id: str
    owner_name: str
    low: int
    mid: int
    high: int
    mass_g_low: int | None
    mass_g_mid: int | None
    mass_g_high: int | None
    modalities: dict[str, datetime]
    discrepancies: int
    as_of: datetime | None


class DiscrepancyRow(Part, frozen=True, kw_only=True):
    kind: str
    unit_id: str | None
    since: datetime
    cause: str
    facts: dict[str, Any]


class ClaimRow(Part, frozen=True, kw_only=True):
    slot_id: str | None
    claimed_at: datetime
    cause: str


class SightingRow(Part, frozen=True, kw_only=True):
    """One observation of a unit; `facts` fill the text."""

    observation_id: str
    device_id: str
    kind: str
    at: datetime
    text_key: str
    facts: dict[str, Any]


class UnitDetail(Part, frozen=True, kw_only=True):
    state: UnitState
    claims: list[ClaimRow]
    sightings: list[SightingRow]


MODALITY_TEXTS: dict[Modality, str] = {
    "tag": "sighting.tag_read",
    "mass": "sighting.mass",
    "position": "sighting.position",
    "sight": "sighting.sight",
}
"""What to say of a modality's last observation of a unit."""


async def verified_stock(read: ReadTx, lot_id: str) -> VerifiedStock:
    """See `twin.api.verified_stock`."""
    row = await read.row(LOT, {"lot_id": lot_id})
    if row is None:
        raise NotFound("twin.lot_unknown", lot_id=lot_id)
    return VerifiedStock(
        lot_id=lot_id,
        site_id=row["site_id"],
        unit_count_low=row["unit_count_low"],
        unit_count_mid=row["unit_count_mid"],
        unit_count_high=row["unit_count_high"],
        mass_g_low=row["mass_g_low"],
        mass_g_mid=row["mass_g_mid"],
        mass_g_high=row["mass_g_high"],
        modalities=msgspec.convert(row["modalities"], dict[str, datetime]),
        units=[_unit_evidence(unit) for unit in await read.rows(LOT_UNITS, {"lot_id": lot_id})],
        evidence_ids=row["evidence_ids"],
        as_of=row["as_of"],
    )


def _unit_evidence(row: Row) -> UnitEvidence:
    return UnitEvidence(
        unit_id=row["unit_id"],
        sscc=row["sscc"],
        probability=row["probability"],
        level=row["level"],
        modalities=msgspec.convert(row["modalities"], dict[str, datetime]),
        evidence_ids=row["evidence_ids"],
        slot_id=row["slot_id"],
        mass_g=row["mass_g"],
        last_seen_at=row["last_seen_at"],
    )


async def witnesses(tx: Tx, unit_ids: Sequence[str], observation_ids: Sequence[str]) -> list[Witness]:
    """See `twin.api.witnesses`."""
    found: dict[str, list[Row]] = {}
    for row in await store.witnesses(tx, unit_ids, observation_ids):
        found.setdefault(row["observation_id"], []).append(row)
    return [_witness(rows) for rows in found.values()]


def _witness(rows: Sequence[Row]) -> Witness:
    """One observation with those of its units that it shows on site; with all of them when it shows none."""
    here = [row for row in rows if shows_here(msgspec.convert(row, Ground))]
    told = here or rows
    return Witness(
        observation_id=told[0]["observation_id"],
        device_id=device_of(told[0]["observation_id"]),
        modality=told[0]["modality"],
        at=told[0]["at"],
        unit_ids=tuple(row["unit_id"] for row in told),
        ssccs=tuple(row["sscc"] for row in told),
        shows_here=bool(here),
    )


async def seen_since(read: ReadTx, unit_ids: Sequence[str], since: datetime, limit: int) -> list[Witness]:
    """See `twin.api.seen_since`."""
    rows = await store.seen_since(read, unit_ids, since, limit)
    told = [{**row, "device_id": device_of(row["observation_id"]), "shows_here": True} for row in rows]
    return msgspec.convert(told, list[Witness])


async def doubted_units(
    tx: Tx, unit_ids: Sequence[str], spans: Sequence[DeviceSpan]
) -> dict[str, DeviceSpan]:
    """See `twin.api.doubted_units`."""
    if not spans:
        return {}
    found = {row["unit_id"]: _doubt(row) for row in await store.concerned(tx, unit_ids, spans)}
    return {unit_id: span for unit_id, span in found.items() if span is not None}


async def units_unseen_since(tx: Tx, unit_ids: Sequence[str], moment: datetime) -> list[str]:
    """See `twin.api.units_unseen_since`."""
    return await store.unseen_since(tx, unit_ids, moment) if unit_ids else []


def _doubt(row: Row) -> DeviceSpan | None:
    moments = msgspec.convert(row["modalities"], dict[Modality, datetime])
    began = {"mass": row["mass_began_at"]}
    told = [
        Told(modality=modality, began_at=began.get(modality) or at, at=at) for modality, at in moments.items()
    ]
    return doubted(told, msgspec.convert(row["spans"], list[DeviceSpan]))


async def lots(read: ReadTx, site_id: str, after: str | None, limit: int) -> list[LotRow]:
    """Lots of a site that the reader may see, by id."""
    rows = await read.rows(LOTS, {"site_id": site_id, "after": after, "limit": limit})
    return [_lot(row) for row in rows]


def _lot(row: Row) -> LotRow:
    return LotRow(
        lot_id=row["lot_id"],
        site_id=row["site_id"],
        sku=row["sku"],
        owner_party_id=row["owner_party_id"],
        owner_name=row["owner_name"] or row["owner_party_id"],
        low=row["unit_count_low"],
        mid=row["unit_count_mid"],
        high=row["unit_count_high"],
        mass_g_low=row["mass_g_low"],
        mass_g_mid=row["mass_g_mid"],
        mass_g_high=row["mass_g_high"],
        modalities=msgspec.convert(row["modalities"], dict[str, datetime]),
        discrepancies=row["discrepancies"],
        as_of=row["as_of"],
    )


async def discrepancies(read: ReadTx, lot_id: str) -> list[DiscrepancyRow]:
    """Open discrepancies of a lot, oldest first, at most a thousand."""
    return [DiscrepancyRow(**row) for row in await read.rows(DISCREPANCIES, {"lot_id": lot_id})]


async def units(
    read: ReadTx,
    site_id: str,
    *,
    query: str | None,
    lot: str | None,
    slot: str | None,
    after: str | None,
    limit: int,
) -> list[UnitState]:
    """Units of a site by id; `query` is part of an SSCC, unit, lot or item, or a whole tag."""
    named = {"site_id": site_id, "query": query, "lot": lot, "slot": slot, "after": after, "limit": limit}
    return [unit_state(row) for row in await read.rows(UNITS, named)]


async def unit_detail(read: ReadTx, site_id: str, unit_id: str) -> UnitDetail:
    """One unit with its claims and sightings, newest first. Raises NotFound `twin.unit_unknown`."""
    row = await read.row(UNIT, {"site_id": site_id, "unit_id": unit_id})
    if row is None:
        raise NotFound("twin.unit_unknown", unit_id=unit_id)
    claims = await read.rows(CLAIMS, {"unit_id": unit_id})
    seen = await read.rows(SIGHTINGS, {"site_id": site_id, "epc_hex": row["epc_hex"]})
    return UnitDetail(
        state=unit_state(row),
        claims=[ClaimRow(**claim) for claim in claims],
        sightings=[_sighting(sighting) for sighting in seen],
    )


def _sighting(row: Row) -> SightingRow:
    kind = "tag_read" if row["kind"] == "tag" else row["kind"]
    facts = {name: row[name] for name in ("gate_id", "side", "slot_id", "rssi_cdbm") if row[name]}
    return SightingRow(
        observation_id=row["observation_id"],
        device_id=row["device_id"],
        kind=kind,
        at=row["at"],
        text_key=f"sighting.{kind}",
        facts=facts,
    )
