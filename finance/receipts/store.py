"""SQL of receipts, their units, the journal of encumbrances and the copy of the lots' evidence."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from finance.receipts.model import Goods, LotEvidence
from kernel.tx import ReadTx, Row, Tx

# The counter's row is locked until commit: a number is given to one receipt and never skipped.
NEXT_NUMBER = """
    INSERT INTO finance.receipt_counter (keeper_party_id, last_number) VALUES (%(keeper_party_id)s, 1)
    ON CONFLICT (keeper_party_id) DO UPDATE SET last_number = receipt_counter.last_number + 1
    RETURNING last_number"""
INSERT = """
    INSERT INTO finance.receipt
        (receipt_id, keeper_party_id, number, depositor_party_id, controller_party_id, site_id, lot_id, sku,
         goods, quality, package, marks, unit_count, quantity_each, mass_g, place, storage_until,
         loss_standard, insurance, fee_terms, lien_fen, evidence, state, issued_at, issued_by)
    VALUES (%(receipt_id)s, %(keeper_party_id)s, %(number)s, %(depositor_party_id)s,
        %(depositor_party_id)s, %(site_id)s, %(lot_id)s, %(sku)s, %(goods)s, %(quality)s, %(package)s,
        %(marks)s, %(unit_count)s, %(quantity_each)s, %(mass_g)s, %(place)s, %(storage_until)s,
        %(loss_standard)s, %(insurance)s, %(fee_terms)s, %(lien_fen)s, %(evidence)s, 'issued', %(now)s,
        %(by_person)s)"""
# Waits for a receipt that is being issued on the same unit, SSCC or tag, then leaves that unit out: the
# count tells.
COVER_UNITS = """
    INSERT INTO finance.receipt_unit (receipt_id, unit_id, sscc, epc_hex, quantity_each, mass_g, live)
    SELECT %(receipt_id)s, u.unit_id, u.sscc, u.epc_hex, u.quantity_each, u.mass_g, true
    FROM unnest(%(unit_ids)s::text[], %(ssccs)s::text[], %(epcs)s::text[], %(quantities)s::bigint[],
        %(masses)s::bigint[]) AS u (unit_id, sscc, epc_hex, quantity_each, mass_g)
    ORDER BY u.unit_id
    ON CONFLICT DO NOTHING"""
LIVE_AMONG = """
    SELECT unit_id FROM finance.receipt_unit
    WHERE live AND unit_id = ANY(%(unit_ids)s) AND receipt_id <> %(receipt_id)s ORDER BY unit_id"""
LIVE_SSCCS = """
    SELECT sscc FROM finance.receipt_unit
    WHERE live AND sscc = ANY(%(ssccs)s) AND receipt_id <> %(receipt_id)s ORDER BY sscc"""
LIVE_TAGS = """
    SELECT epc_hex FROM finance.receipt_unit
    WHERE live AND epc_hex = ANY(%(epcs)s) AND receipt_id <> %(receipt_id)s ORDER BY epc_hex"""
LIVE_IN_LOT = """
    SELECT count(*) FROM finance.receipt_unit u JOIN finance.receipt r USING (receipt_id)
    WHERE u.live AND r.lot_id = %(lot_id)s"""
LOCK = "SELECT * FROM finance.receipt WHERE receipt_id = %(receipt_id)s FOR UPDATE"
UNITS = """
    SELECT unit_id, quantity_each, mass_g, live FROM finance.receipt_unit
    WHERE receipt_id = %(receipt_id)s ORDER BY unit_id"""
SET_STATE = """
    UPDATE finance.receipt SET state = %(state)s, controller_party_id = %(controller_party_id)s,
        closed_at = CASE WHEN %(state)s = 'cancelled' THEN %(now)s END
    WHERE receipt_id = %(receipt_id)s"""
DELIVER = """
    UPDATE finance.receipt_unit SET live = false, delivered_at = %(now)s
    WHERE receipt_id = %(receipt_id)s AND live AND unit_id = ANY(%(unit_ids)s)"""
UNCOVER = "UPDATE finance.receipt_unit SET live = false WHERE receipt_id = %(receipt_id)s AND live"
RECEIPTS_OF_UNITS = """
    SELECT DISTINCT receipt_id FROM finance.receipt_unit
    WHERE live AND unit_id = ANY(%(unit_ids)s) ORDER BY receipt_id"""
# Each step is later than the one before, also when two fall on one moment or one had to wait for the other's
# lock: who may see steps up to a moment sees none that came after.
APPEND = """
    INSERT INTO finance.encumbrance (receipt_id, step, kind, at, by_person, by_party, unit_ids, facts)
    SELECT %(receipt_id)s, coalesce(max(step), 0) + 1, %(kind)s,
        greatest(%(now)s, max(at) + interval '1 microsecond'), %(by_person)s, %(by_party)s, %(unit_ids)s,
        %(facts)s
    FROM finance.encumbrance WHERE receipt_id = %(receipt_id)s RETURNING at"""
# Of a receipt that the reader held once, the pledge is its own last one; policies show it no other.
VIEW = """
    SELECT r.receipt_id, r.keeper_party_id, k.name AS keeper_name, r.number, r.depositor_party_id,
        d.name AS depositor_name, r.site_id, r.lot_id, r.sku, r.goods, r.quality, r.package, r.marks,
        r.quantity_each, r.mass_g, r.place, r.storage_until, r.loss_standard, r.insurance, r.fee_terms,
        r.lien_fen, r.issued_at, r.seen_until, p.pledge_id, p.facility_id, p.bank_party_id, p.pledged_at,
        p.released_at
    FROM finance.known_receipt r
    JOIN identity.party k ON k.party_id = r.keeper_party_id
    JOIN identity.party d ON d.party_id = r.depositor_party_id
    LEFT JOIN LATERAL (
        SELECT * FROM finance.pledge p
        WHERE p.receipt_id = r.receipt_id AND (p.released_at IS NULL) = (r.seen_until IS NULL)
        ORDER BY p.pledged_at DESC, p.pledge_id DESC LIMIT 1) p ON true"""
PAGE = f"""{VIEW}
    WHERE r.receipt_id < coalesce(%(cursor)s, '~') ORDER BY r.receipt_id DESC LIMIT %(limit)s"""
BY_IDS = f"{VIEW} WHERE r.receipt_id = ANY(%(receipt_ids)s) ORDER BY r.receipt_id DESC"
# Live are those that no step the reader sees has delivered or set free.
UNITS_OF_MANY = """
    WITH ended AS (
        SELECT DISTINCT e.receipt_id, x.unit_id
        FROM finance.encumbrance e CROSS JOIN LATERAL unnest(e.unit_ids) x (unit_id)
        WHERE e.receipt_id = ANY(%(receipt_ids)s) AND e.kind IN ('unit_delivered', 'cancelled')
    )
    SELECT u.receipt_id, array_agg(u.unit_id ORDER BY u.unit_id) AS unit_ids,
        array_agg(coalesce(u.sscc, u.unit_id) ORDER BY u.unit_id) AS ssccs,
        coalesce(array_agg(u.unit_id ORDER BY u.unit_id) FILTER (WHERE e.unit_id IS NULL), '{}') AS live_ids
    FROM finance.known_receipt_unit u LEFT JOIN ended e USING (receipt_id, unit_id)
    WHERE u.receipt_id = ANY(%(receipt_ids)s) GROUP BY u.receipt_id"""
HISTORY_OF_MANY = """
    SELECT receipt_id, at, kind, by_person,
        facts || jsonb_build_object('units', cardinality(unit_ids)) AS facts
    FROM finance.encumbrance
    WHERE receipt_id = ANY(%(receipt_ids)s) ORDER BY receipt_id, step"""
PARTY_NAMES = "SELECT party_id, name FROM identity.party WHERE party_id = ANY(%(party_ids)s)"
KEEP_EVIDENCE = """
    INSERT INTO finance.lot_evidence
        (lot_id, site_id, book_units, units_low, units_mid, units_high, mass_low_g, mass_mid_g, mass_high_g,
         piece_mass_g, modalities, units, as_of, changed_at)
    VALUES (%(lot_id)s, %(site_id)s, %(book_units)s, %(units_low)s, %(units_mid)s, %(units_high)s,
        %(mass_low_g)s, %(mass_mid_g)s, %(mass_high_g)s, %(piece_mass_g)s, %(modalities)s, %(units)s,
        %(as_of)s, %(now)s)
    ON CONFLICT (lot_id) DO UPDATE SET book_units = excluded.book_units, units_low = excluded.units_low,
        units_mid = excluded.units_mid, units_high = excluded.units_high, mass_low_g = excluded.mass_low_g,
        mass_mid_g = excluded.mass_mid_g, mass_high_g = excluded.mass_high_g,
        piece_mass_g = excluded.piece_mass_g,
        modalities = excluded.modalities, units = excluded.units, as_of = excluded.as_of,
        changed_at = excluded.changed_at"""
LOTS_EVIDENCE = """
    SELECT lot_id, site_id, book_units, units_low, units_mid, units_high, mass_low_g, mass_mid_g,
        mass_high_g, piece_mass_g, modalities, units, as_of
    FROM finance.lot_evidence WHERE lot_id = ANY(%(lot_ids)s)"""
HAS_RECEIPTS = """
    SELECT EXISTS (SELECT FROM finance.receipt WHERE lot_id = %(lot_id)s AND state <> 'cancelled')"""
JOURNAL = """
    SELECT receipt_id, step, kind, unit_ids, facts FROM finance.encumbrance ORDER BY receipt_id, step"""
STANDING = """
    SELECT r.receipt_id, r.state,
        coalesce(array_agg(u.unit_id ORDER BY u.unit_id) FILTER (WHERE u.live), '{}') AS live_units,
        (SELECT p.pledge_id FROM finance.pledge p
         WHERE p.receipt_id = r.receipt_id AND p.released_at IS NULL) AS pledge_id
    FROM finance.receipt r JOIN finance.receipt_unit u USING (receipt_id)
    GROUP BY r.receipt_id ORDER BY r.receipt_id"""


async def next_number(tx: Tx, keeper_party_id: str) -> int:
    return int(await tx.value(NEXT_NUMBER, {"keeper_party_id": keeper_party_id}))


async def insert(tx: Tx, row: dict[str, Any], evidence: LotEvidence) -> None:
    kept = {
        **row,
        "evidence": Jsonb(msgspec.to_builtins(evidence)),
        "now": tx.now,
        "by_person": tx.caller.person_id,
    }
    await tx.run(INSERT, kept)


async def cover_units(
    tx: Tx, receipt_id: str, goods: Sequence[Goods], ssccs: Mapping[str, str], epcs: Mapping[str, str]
) -> int:
    """Put the units under the receipt, with what their labels and tags say; returns how many were free to
    be."""
    columns = {
        "receipt_id": receipt_id,
        "unit_ids": [item.unit_id for item in goods],
        "ssccs": [ssccs.get(item.unit_id) for item in goods],
        "epcs": [epcs.get(item.unit_id) for item in goods],
        "quantities": [item.quantity_each for item in goods],
        "masses": [item.mass_g for item in goods],
    }
    return await tx.run(COVER_UNITS, columns)


async def live_among(tx: Tx, unit_ids: Sequence[str], but_receipt_id: str) -> list[str]:
    """Those of the units that are under a live receipt other than the one named."""
    rows = await tx.rows(LIVE_AMONG, {"unit_ids": list(unit_ids), "receipt_id": but_receipt_id})
    return [str(row["unit_id"]) for row in rows]


async def live_ssccs(tx: Tx, ssccs: Sequence[str], but_receipt_id: str) -> list[str]:
    """Those of the SSCCs that are under a live receipt other than the one named, at whatever site."""
    rows = await tx.rows(LIVE_SSCCS, {"ssccs": list(ssccs), "receipt_id": but_receipt_id})
    return [str(row["sscc"]) for row in rows]


async def live_tags(tx: Tx, epcs: Sequence[str], but_receipt_id: str) -> list[str]:
    """Those of the tags that are under a live receipt other than the one named, at whatever site."""
    rows = await tx.rows(LIVE_TAGS, {"epcs": list(epcs), "receipt_id": but_receipt_id})
    return [str(row["epc_hex"]) for row in rows]


async def live_in_lot(tx: Tx, lot_id: str) -> int:
    return int(await tx.value(LIVE_IN_LOT, {"lot_id": lot_id}))


async def lock(tx: Tx, receipt_id: str) -> Row | None:
    return await tx.row(LOCK, {"receipt_id": receipt_id})


async def units_of(read: ReadTx, receipt_id: str) -> list[Row]:
    return await read.rows(UNITS, {"receipt_id": receipt_id})


async def live_quantities(read: ReadTx, receipt_id: str) -> dict[str, int]:
    """The pieces that the receipt states of each unit it still covers."""
    rows = await units_of(read, receipt_id)
    return {row["unit_id"]: row["quantity_each"] for row in rows if row["live"]}


async def set_state(tx: Tx, receipt_id: str, state: str, controller_party_id: str) -> None:
    row = {
        "receipt_id": receipt_id,
        "state": state,
        "controller_party_id": controller_party_id,
        "now": tx.now,
    }
    await tx.run(SET_STATE, row)


async def deliver(tx: Tx, receipt_id: str, unit_ids: Sequence[str]) -> int:
    row = {"receipt_id": receipt_id, "unit_ids": list(unit_ids), "now": tx.now}
    return await tx.run(DELIVER, row)


async def uncover(tx: Tx, receipt_id: str) -> None:
    await tx.run(UNCOVER, {"receipt_id": receipt_id})


async def receipts_of_units(tx: Tx, unit_ids: Sequence[str]) -> list[str]:
    rows = await tx.rows(RECEIPTS_OF_UNITS, {"unit_ids": list(unit_ids)})
    return [str(row["receipt_id"]) for row in rows]


async def append(
    tx: Tx, receipt_id: str, kind: str, unit_ids: Sequence[str], facts: dict[str, Any]
) -> datetime:
    """One more step in the journal; returns its moment. The receipt's row is locked by the caller."""
    row = {
        "receipt_id": receipt_id,
        "kind": kind,
        "now": tx.now,
        "by_person": tx.caller.person_id,
        "by_party": tx.caller.party_id,
        "unit_ids": list(unit_ids),
        "facts": Jsonb(facts),
    }
    at: datetime = await tx.value(APPEND, row)
    return at


async def keep_evidence(tx: Tx, evidence: LotEvidence) -> None:
    plain: dict[str, Any] = msgspec.to_builtins(evidence)
    documents = {name: Jsonb(plain[name]) for name in ("modalities", "units")}
    await tx.run(KEEP_EVIDENCE, {**plain, **documents, "as_of": evidence.as_of, "now": tx.now})


async def lots_evidence(read: ReadTx, lot_ids: Sequence[str]) -> dict[str, LotEvidence]:
    """The kept evidence of each lot that has any."""
    rows = await read.rows(LOTS_EVIDENCE, {"lot_ids": list(lot_ids)})
    return {row["lot_id"]: msgspec.convert(row, LotEvidence) for row in rows}


async def page(read: ReadTx, cursor: str | None, limit: int) -> list[Row]:
    """Receipts that the reader sees or saw, newest first; the cursor is the id of the last one shown."""
    return await read.rows(PAGE, {"cursor": cursor, "limit": limit})


async def by_ids(read: ReadTx, receipt_ids: Sequence[str]) -> list[Row]:
    return await read.rows(BY_IDS, {"receipt_ids": list(receipt_ids)})


async def units_of_many(read: ReadTx, receipt_ids: Sequence[str]) -> dict[str, Row]:
    rows = await read.rows(UNITS_OF_MANY, {"receipt_ids": list(receipt_ids)})
    return {row["receipt_id"]: row for row in rows}


async def history_of_many(read: ReadTx, receipt_ids: Sequence[str]) -> dict[str, list[Row]]:
    """Per receipt its steps, oldest first."""
    found: dict[str, list[Row]] = {receipt_id: [] for receipt_id in receipt_ids}
    for row in await read.rows(HISTORY_OF_MANY, {"receipt_ids": list(receipt_ids)}):
        found[row["receipt_id"]].append(row)
    return found


async def party_names(read: ReadTx, party_ids: Sequence[str]) -> dict[str, str]:
    rows = await read.rows(PARTY_NAMES, {"party_ids": list(party_ids)})
    return {row["party_id"]: row["name"] for row in rows}


async def has_receipts(read: ReadTx, lot_id: str) -> bool:
    return bool(await read.value(HAS_RECEIPTS, {"lot_id": lot_id}))


async def journal(read: ReadTx) -> list[Row]:
    """Every step of every receipt, in order of receipt and step."""
    return await read.rows(JOURNAL)


async def standing(read: ReadTx) -> list[Row]:
    """Every receipt as its rows say."""
    return await read.rows(STANDING)
