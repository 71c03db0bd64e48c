"""SQL of the stock journal, balances, lots, units and holds.

The row of a unit is the lock for all its balances: whoever changes or promises a unit's pieces locks its row
first, in order of unit ids, and reads the balances in a later statement. Locking balances alone would
not do: a statement that waited for such a lock does not see a row that the other transaction put in.
Balance rows that fell to zero stay; their number is bounded by the places a unit has been in.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kernel.tx import ReadTx, Row, Tx
from wms.stock.model import Balance, Change, Goods, Move, Place

_BALANCE_COLUMNS = (
    "balance_id, owner_party_id, sku, lot_id, unit_id, bin, status, hold_id, quantity_each, reserved_each"
)

# NO KEY: inserting rows that point to the unit does not wait for this lock.
LOCK_UNITS = """
    SELECT unit_id FROM wms.unit WHERE unit_id = ANY(%(unit_ids)s)
    ORDER BY unit_id FOR NO KEY UPDATE"""
LOCK_UNITS_OF_SKUS = """
    SELECT u.unit_id FROM wms.unit u
    WHERE EXISTS (
        SELECT FROM wms.balance b
        WHERE b.unit_id = u.unit_id AND b.site_id = %(site_id)s AND b.sku = ANY(%(skus)s)
            AND b.owner_party_id = ANY(%(owner_party_ids)s) AND b.quantity_each > 0)
    ORDER BY u.unit_id FOR NO KEY UPDATE OF u"""
BALANCES_OF_UNITS = f"""
    SELECT {_BALANCE_COLUMNS} FROM wms.balance
    WHERE site_id = %(site_id)s AND unit_id = ANY(%(unit_ids)s) ORDER BY balance_id"""  # noqa: S608
# Everything an allocation may look at: of these items and owners, also held stock, so that the refusal can
# say that it is held.
BALANCES_OF_SKUS = f"""
    SELECT {_BALANCE_COLUMNS} FROM wms.balance
    WHERE site_id = %(site_id)s AND sku = ANY(%(skus)s) AND owner_party_id = ANY(%(owner_party_ids)s)
        AND unit_id = ANY(%(unit_ids)s) AND quantity_each > 0
    ORDER BY balance_id"""  # noqa: S608

# Less of something that exists: the row is locked by the caller.
TAKE = """
    UPDATE wms.balance b
    SET quantity_each = b.quantity_each + t.quantity_each, reserved_each = b.reserved_each + t.reserved_each
    FROM unnest(%(balance_ids)s::bigint[], %(quantities)s::bigint[], %(reserved)s::bigint[])
        AS t(balance_id, quantity_each, reserved_each)
    WHERE b.balance_id = t.balance_id"""

# More of something that may be new.
PUT = """
    INSERT INTO wms.balance (site_id, owner_party_id, sku, lot_id, unit_id, bin, status, hold_id,
        quantity_each, reserved_each, changed_xid)
    SELECT %(site_id)s, t.*, pg_current_xact_id()
    FROM unnest(%(owners)s::text[], %(skus)s::text[], %(lots)s::text[], %(units)s::text[], %(bins)s::text[],
        %(statuses)s::text[], %(holds)s::text[], %(quantities)s::bigint[], %(reserved)s::bigint[]) AS t
    ON CONFLICT ON CONSTRAINT balance_key DO UPDATE
    SET quantity_each = wms.balance.quantity_each + excluded.quantity_each,
        reserved_each = wms.balance.reserved_each + excluded.reserved_each
    RETURNING balance_id, owner_party_id, sku, lot_id, unit_id, bin, status, hold_id"""

APPEND_MOVES = """
    INSERT INTO wms.stock_move (site_id, owner_party_id, sku, lot_id, quantity_each,
        from_unit_id, from_bin, from_status, from_hold_id, to_unit_id, to_bin, to_status, to_hold_id,
        cause, ref_id, evidence_id, moved_by, moved_at)
    SELECT %(site_id)s, t.*, %(moved_by)s, %(moved_at)s
    FROM unnest(%(owners)s::text[], %(skus)s::text[], %(lots)s::text[], %(quantities)s::bigint[],
        %(from_units)s::text[], %(from_bins)s::text[], %(from_statuses)s::text[], %(from_holds)s::text[],
        %(to_units)s::text[], %(to_bins)s::text[], %(to_statuses)s::text[], %(to_holds)s::text[],
        %(causes)s::text[], %(refs)s::text[], %(evidence)s::text[]) AS t"""

RESERVE = """
    UPDATE wms.balance b SET reserved_each = b.reserved_each + t.reserved_each
    FROM unnest(%(balance_ids)s::bigint[], %(reserved)s::bigint[]) AS t(balance_id, reserved_each)
    WHERE b.balance_id = t.balance_id"""

INSERT_LOTS = """
    INSERT INTO wms.lot (lot_id, site_id, owner_party_id, sku, code, created_at)
    SELECT t.lot_id, %(site_id)s, t.owner_party_id, t.sku, t.code, %(now)s
    FROM unnest(%(lot_ids)s::text[], %(owners)s::text[], %(skus)s::text[], %(codes)s::text[])
        AS t(lot_id, owner_party_id, sku, code)
    ON CONFLICT (site_id, owner_party_id, sku, code) DO NOTHING RETURNING lot_id, owner_party_id"""
LOTS_BY_CODE = """
    SELECT lot_id, owner_party_id, sku, code FROM wms.lot
    WHERE site_id = %(site_id)s AND code = ANY(%(codes)s)"""
LOT = "SELECT lot_id, site_id, owner_party_id, sku, code FROM wms.lot WHERE lot_id = %(lot_id)s"

INSERT_UNITS = """
    INSERT INTO wms.unit (unit_id, site_id, owner_party_id, kind, lot_id, sku, sscc, epc_hex, full_each,
        full_mass_g, created_at)
    SELECT t.unit_id, %(site_id)s, t.owner_party_id, t.kind, t.lot_id, t.sku, t.sscc, t.epc_hex,
        t.full_each, t.full_mass_g, %(now)s
    FROM unnest(%(unit_ids)s::text[], %(owners)s::text[], %(kinds)s::text[], %(lots)s::text[],
        %(skus)s::text[], %(ssccs)s::text[], %(epcs)s::text[], %(full)s::bigint[], %(masses)s::bigint[])
        AS t(unit_id, owner_party_id, kind, lot_id, sku, sscc, epc_hex, full_each, full_mass_g)"""
# Two who enter codes at once, at two sites, see each other's.
LOCK_CODES = "SELECT pg_advisory_xact_lock(hashtextextended('wms.codes', 0))"
# At this site for ever, elsewhere while it is in stock or on a vehicle that is expected with it.
TAKEN_CODES = """
    SELECT u.sscc, u.epc_hex FROM wms.unit u
    WHERE (u.sscc = ANY(%(ssccs)s) OR u.epc_hex = ANY(%(epcs)s)) AND u.withdrawn_at IS NULL
        AND (u.site_id = %(site_id)s
            OR EXISTS (SELECT FROM wms.balance b WHERE b.unit_id = u.unit_id AND b.quantity_each > 0)
            OR EXISTS (
                SELECT FROM wms.delivery_unit du JOIN wms.delivery d USING (delivery_id)
                    JOIN wms.visit v USING (visit_id)
                WHERE du.unit_id = u.unit_id AND du.seen_at IS NULL
                    AND v.state IN ('expected', 'admitted', 'leaving')))"""
IS_ELSEWHERE = """
    SELECT EXISTS (
        SELECT FROM wms.unit u JOIN wms.balance b USING (unit_id)
        WHERE (u.sscc = %(sscc)s OR u.epc_hex = %(epc_hex)s) AND u.site_id <> %(site_id)s
            AND b.quantity_each > 0)"""
UNITS = """
    SELECT unit_id, site_id, owner_party_id, kind, lot_id, sku, sscc, epc_hex, full_each, full_mass_g
    FROM wms.unit WHERE unit_id = ANY(%(unit_ids)s)"""
UNITS_BY_SSCC = """
    SELECT unit_id, sscc, lot_id, sku FROM wms.unit
    WHERE site_id = %(site_id)s AND sscc = ANY(%(ssccs)s) AND withdrawn_at IS NULL"""
# What came with a unit less what went from it to other units; moves within it and corrections change nothing
# of that. A unit that went out went as a whole: what a count missed of it did not stay behind.
NET_INTO_UNIT = """
    SELECT CASE WHEN bool_or(to_bin = '@customer') THEN 0
        ELSE coalesce(sum(CASE WHEN to_unit_id = %(unit_id)s AND to_bin NOT LIKE '@%%'
            THEN quantity_each ELSE -quantity_each END), 0)::bigint END
    FROM wms.stock_move
    WHERE (from_unit_id = %(unit_id)s OR to_unit_id = %(unit_id)s) AND cause <> 'correction'
        AND (from_unit_id <> to_unit_id OR from_bin LIKE '@%%' OR to_bin LIKE '@%%')"""
OCCUPIED_BINS = "SELECT DISTINCT bin FROM wms.balance WHERE site_id = %(site_id)s AND quantity_each > 0"

# A pallet's pieces on stock: what finance counts. Pieces already picked out of it are parcels, not it.
BOOK_UNITS = """
    SELECT u.unit_id, u.full_each, u.full_mass_g, sum(b.quantity_each)::bigint AS quantity_each,
        max(b.hold_id) AS hold_id, min(b.bin) AS bin
    FROM wms.unit u JOIN wms.balance b USING (unit_id)
    WHERE b.lot_id = %(lot_id)s AND u.kind = 'pallet' AND b.quantity_each > 0
    GROUP BY u.unit_id ORDER BY u.unit_id"""

INSERT_HOLD = """
    INSERT INTO wms.hold (hold_id, site_id, reason_code, holder_ref, placed_at, placed_by)
    VALUES (%(hold_id)s, %(site_id)s, %(reason_code)s, %(holder_ref)s, %(now)s, %(by)s)"""
INSERT_HOLD_UNITS = """
    INSERT INTO wms.hold_unit (hold_id, unit_id, site_id, lot_id)
    SELECT %(hold_id)s, u.unit_id, u.site_id, u.lot_id
    FROM wms.unit u WHERE u.unit_id = ANY(%(unit_ids)s) ORDER BY u.unit_id"""
LOCK_HOLD = """
    SELECT hold_id, site_id, reason_code, holder_ref, lifted_at FROM wms.hold
    WHERE hold_id = %(hold_id)s FOR UPDATE"""
UNITS_OF_HOLD = """
    SELECT unit_id FROM wms.hold_unit WHERE hold_id = %(hold_id)s AND lifted_at IS NULL ORDER BY unit_id"""
END_HOLD = """
    UPDATE wms.hold SET lifted_at = %(now)s, lifted_by = %(by)s
    WHERE hold_id = %(hold_id)s AND lifted_at IS NULL"""
END_HOLD_UNITS = (
    "UPDATE wms.hold_unit SET lifted_at = %(now)s WHERE hold_id = %(hold_id)s AND lifted_at IS NULL"
)
FREE_UNITS = """
    UPDATE wms.hold_unit SET lifted_at = %(now)s
    WHERE hold_id = %(hold_id)s AND unit_id = ANY(%(unit_ids)s) AND lifted_at IS NULL"""
HOLDS_ANYTHING = """
    SELECT EXISTS (SELECT FROM wms.hold_unit WHERE site_id = %(site_id)s AND lifted_at IS NULL)"""
HELD_UNITS = """
    SELECT unit_id FROM wms.hold_unit WHERE site_id = %(site_id)s AND lifted_at IS NULL ORDER BY unit_id"""
LIVE_HOLDS = """
    SELECT DISTINCT hold_id FROM wms.hold_unit
    WHERE site_id = %(site_id)s AND lifted_at IS NULL ORDER BY hold_id"""
LIGHTEST_HELD = """
    SELECT min(u.full_mass_g * b.quantity_each / u.full_each)::bigint AS mass_g
    FROM wms.hold_unit h JOIN wms.unit u USING (unit_id)
        JOIN wms.balance b ON b.unit_id = u.unit_id AND b.hold_id = h.hold_id AND b.quantity_each > 0
    WHERE h.site_id = %(site_id)s AND h.lifted_at IS NULL"""
HELD_LOTS = """
    SELECT DISTINCT lot_id FROM wms.hold_unit
    WHERE site_id = %(site_id)s AND lifted_at IS NULL ORDER BY lot_id"""
HOLD_REASONS = "SELECT hold_id, reason_code FROM wms.hold WHERE hold_id = ANY(%(hold_ids)s)"

END_OPENING = """
    INSERT INTO wms.opening_end (site_id, ended_at) VALUES (%(site_id)s, %(now)s)
    ON CONFLICT (site_id) DO NOTHING"""
OPENING_IS_OVER = "SELECT EXISTS (SELECT FROM wms.opening_end WHERE site_id = %(site_id)s)"

SITE_VISIBLE = "SELECT EXISTS (SELECT FROM identity.visible_subjects() v WHERE v = %(site_id)s)"


def balance_from_row(row: Row) -> Balance:
    return msgspec.convert(row, Balance)


async def lock_units(tx: Tx, unit_ids: Iterable[str]) -> list[str]:
    """Lock units, and with them all their balances, in the global order; returns those that exist."""
    return [row["unit_id"] for row in await tx.rows(LOCK_UNITS, {"unit_ids": sorted(set(unit_ids))})]


async def lock_balances_of_units(tx: Tx, site_id: str, unit_ids: Iterable[str]) -> list[Balance]:
    """All balance rows of the units, also empty ones; the units are locked."""
    params = {"site_id": site_id, "unit_ids": await lock_units(tx, unit_ids)}
    return [balance_from_row(row) for row in await tx.rows(BALANCES_OF_UNITS, params)]


async def on_hand(tx: Tx, site_id: str, unit_ids: Iterable[str]) -> dict[str, int]:
    """What the books have of each unit, in all its places; 0 for a unit they have nothing of."""
    pieces = dict.fromkeys(sorted(set(unit_ids)), 0)
    params = {"site_id": site_id, "unit_ids": list(pieces)}
    for row in await tx.rows(BALANCES_OF_UNITS, params):
        pieces[row["unit_id"]] += row["quantity_each"]
    return pieces


async def lock_balances_of_skus(
    tx: Tx, site_id: str, skus: Iterable[str], owner_party_ids: Iterable[str]
) -> list[Balance]:
    """All stock of the items and owners, held stock too; its units are locked."""
    params: dict[str, Any] = {
        "site_id": site_id,
        "skus": sorted(set(skus)),
        "owner_party_ids": sorted(set(owner_party_ids)),
    }
    params["unit_ids"] = [row["unit_id"] for row in await tx.rows(LOCK_UNITS_OF_SKUS, params)]
    return [balance_from_row(row) for row in await tx.rows(BALANCES_OF_SKUS, params)]


async def take(tx: Tx, taken: Sequence[tuple[int, Change]]) -> None:
    """Lower (or re-promise) locked balance rows, given with their ids."""
    if taken:
        columns = {
            "balance_ids": [balance_id for balance_id, _ in taken],
            "quantities": [change.quantity_each for _, change in taken],
            "reserved": [change.reserved_each for _, change in taken],
        }
        await tx.run(TAKE, columns)


async def put(tx: Tx, site_id: str, changes: Sequence[Change]) -> dict[tuple[Goods, Place], int]:
    """Raise balance rows, making those that do not exist; returns their ids."""
    if not changes:
        return {}
    columns = {
        "site_id": site_id,
        **_goods_columns([change.goods for change in changes]),
        "units": [change.place.unit_id for change in changes],
        "bins": [change.place.bin for change in changes],
        "statuses": [change.place.status for change in changes],
        "holds": [change.place.hold_id for change in changes],
        "quantities": [change.quantity_each for change in changes],
        "reserved": [change.reserved_each for change in changes],
    }
    return {
        (
            Goods(row["owner_party_id"], row["sku"], row["lot_id"]),
            Place(row["unit_id"], row["bin"], row["status"], row["hold_id"]),
        ): row["balance_id"]
        for row in await tx.rows(PUT, columns)
    }


async def append_moves(tx: Tx, site_id: str, moves: Sequence[Move]) -> None:
    if moves:
        columns = {
            "site_id": site_id,
            **_goods_columns([move.goods for move in moves]),
            **_place_columns("from", [move.origin for move in moves]),
            **_place_columns("to", [move.target for move in moves]),
            "quantities": [move.quantity_each for move in moves],
            "causes": [move.cause for move in moves],
            "refs": [move.ref_id for move in moves],
            "evidence": [move.evidence_id for move in moves],
            "moved_by": tx.caller.person_id,
            "moved_at": tx.now,
        }
        await tx.run(APPEND_MOVES, columns)


async def reserve(tx: Tx, reserved: dict[int, int]) -> None:
    """Add to the promised pieces of locked balance rows (negative to take promises back)."""
    if reserved:
        await tx.run(RESERVE, {"balance_ids": list(reserved), "reserved": list(reserved.values())})


def _goods_columns(goods: Sequence[Goods]) -> dict[str, list[str]]:
    return {
        "owners": [one.owner_party_id for one in goods],
        "skus": [one.sku for one in goods],
        "lots": [one.lot_id for one in goods],
    }


def _place_columns(side: str, places: Sequence[Place]) -> dict[str, list[Any]]:
    return {
        f"{side}_units": [place.unit_id for place in places],
        f"{side}_bins": [place.bin for place in places],
        f"{side}_statuses": [place.status for place in places],
        f"{side}_holds": [place.hold_id for place in places],
    }


async def insert_lots(tx: Tx, site_id: str, lots: Sequence[tuple[str, str, str, str]]) -> list[Row]:
    """Insert (lot_id, owner, sku, code) rows; returns those that are new."""
    columns = dict(
        zip(("lot_ids", "owners", "skus", "codes"), map(list, zip(*lots, strict=True)), strict=True)
    )
    return await tx.rows(INSERT_LOTS, {"site_id": site_id, "now": tx.now, **columns})


async def lots_by_code(read: ReadTx, site_id: str, codes: Iterable[str]) -> list[Row]:
    return await read.rows(LOTS_BY_CODE, {"site_id": site_id, "codes": sorted(set(codes))})


async def find_lot(read: ReadTx, lot_id: str) -> Row | None:
    return await read.row(LOT, {"lot_id": lot_id})


async def insert_units(tx: Tx, site_id: str, units: Sequence[Row]) -> None:
    names = {
        "unit_ids": "unit_id",
        "owners": "owner_party_id",
        "kinds": "kind",
        "lots": "lot_id",
        "skus": "sku",
        "ssccs": "sscc",
        "epcs": "epc_hex",
        "full": "full_each",
        "masses": "full_mass_g",
    }
    columns = {column: [unit[field] for unit in units] for column, field in names.items()}
    await tx.run(INSERT_UNITS, {"site_id": site_id, "now": tx.now, **columns})


async def taken_codes(tx: Tx, site_id: str, ssccs: Sequence[str], epcs: Sequence[str]) -> list[Row]:
    """SSCC and tag of each unit that carries one of the codes, here or in stock at another site. Until the
    transaction ends nobody else enters codes."""
    await tx.run(LOCK_CODES)
    return await tx.rows(TAKEN_CODES, {"site_id": site_id, "ssccs": list(ssccs), "epcs": list(epcs)})


async def is_elsewhere(tx: Tx, unit: Row) -> bool:
    """Whether another site has its label or tag in stock. Until the transaction ends nobody enters codes."""
    await tx.run(LOCK_CODES)
    return bool(await tx.value(IS_ELSEWHERE, {name: unit[name] for name in ("site_id", "sscc", "epc_hex")}))


async def units_by_id(read: ReadTx, unit_ids: Iterable[str]) -> dict[str, Row]:
    rows = await read.rows(UNITS, {"unit_ids": sorted(set(unit_ids))})
    return {row["unit_id"]: row for row in rows}


async def units_by_sscc(read: ReadTx, site_id: str, ssccs: Iterable[str]) -> dict[str, Row]:
    rows = await read.rows(UNITS_BY_SSCC, {"site_id": site_id, "ssccs": sorted(set(ssccs))})
    return {row["sscc"]: row for row in rows}


async def net_into_unit(read: ReadTx, unit_id: str) -> int:
    """Pieces that the journal brought into the unit, less those that left it, counts aside; 0 for a unit that
    went out through the gate."""
    return int(await read.value(NET_INTO_UNIT, {"unit_id": unit_id}))


async def occupied_bins(read: ReadTx, site_id: str) -> set[str]:
    return {row["bin"] for row in await read.rows(OCCUPIED_BINS, {"site_id": site_id})}


async def book_units(read: ReadTx, lot_id: str) -> list[Row]:
    return await read.rows(BOOK_UNITS, {"lot_id": lot_id})


async def insert_hold(tx: Tx, hold: Row, unit_ids: Sequence[str]) -> None:
    await tx.run(INSERT_HOLD, {**hold, "now": tx.now, "by": tx.caller.person_id})
    await tx.run(INSERT_HOLD_UNITS, {"hold_id": hold["hold_id"], "unit_ids": list(unit_ids)})


async def lock_hold(tx: Tx, hold_id: str) -> Row | None:
    return await tx.row(LOCK_HOLD, {"hold_id": hold_id})


async def holds_anything(read: ReadTx, site_id: str) -> bool:
    """Whether any unit of the site is under a hold."""
    return bool(await read.value(HOLDS_ANYTHING, {"site_id": site_id}))


async def held_units(read: ReadTx, site_id: str) -> list[str]:
    """Every unit of the site that is under a hold."""
    return [row["unit_id"] for row in await read.rows(HELD_UNITS, {"site_id": site_id})]


async def live_holds(read: ReadTx, site_id: str) -> list[str]:
    """The holds that are on units of the site."""
    return [row["hold_id"] for row in await read.rows(LIVE_HOLDS, {"site_id": site_id})]


async def lightest_held_g(read: ReadTx, site_id: str) -> int | None:
    """The declared mass of the lightest unit of the site under a hold, by the pieces left of it."""
    found = await read.value(LIGHTEST_HELD, {"site_id": site_id})
    return None if found is None else int(found)


async def held_lots(read: ReadTx, site_id: str) -> list[str]:
    """The lots of what the books have on hold at the site."""
    return [row["lot_id"] for row in await read.rows(HELD_LOTS, {"site_id": site_id})]


async def units_of_hold(read: ReadTx, hold_id: str) -> list[str]:
    return [row["unit_id"] for row in await read.rows(UNITS_OF_HOLD, {"hold_id": hold_id})]


async def end_hold(tx: Tx, hold_id: str) -> None:
    await tx.run(END_HOLD, {"hold_id": hold_id, "now": tx.now, "by": tx.caller.person_id})
    await tx.run(END_HOLD_UNITS, {"hold_id": hold_id, "now": tx.now})


async def free_units(tx: Tx, hold_id: str, unit_ids: Sequence[str]) -> None:
    await tx.run(FREE_UNITS, {"hold_id": hold_id, "unit_ids": list(unit_ids), "now": tx.now})


async def hold_reasons(read: ReadTx, hold_ids: Iterable[str]) -> dict[str, str]:
    rows = await read.rows(HOLD_REASONS, {"hold_ids": sorted(set(hold_ids))})
    return {row["hold_id"]: row["reason_code"] for row in rows}


async def end_opening(tx: Tx, site_id: str) -> None:
    """From now on nothing enters the books of the site as opening stock."""
    await tx.run(END_OPENING, {"site_id": site_id, "now": tx.now})


async def opening_is_over(read: ReadTx, site_id: str) -> bool:
    """Whether goods of the site were ever put on hold or under a receipt."""
    return bool(await read.value(OPENING_IS_OVER, {"site_id": site_id}))


async def site_visible(read: ReadTx, site_id: str) -> bool:
    """Whether the caller's party may see the site now."""
    return bool(await read.value(SITE_VISIBLE, {"site_id": site_id}))
