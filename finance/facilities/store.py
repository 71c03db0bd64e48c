"""SQL of facilities and their history."""

from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from finance.facilities.model import Facility
from kernel.tx import ReadTx, Tx

INSERT = """
    INSERT INTO finance.facility
        (facility_id, bank_party_id, borrower_party_id, site_id, currency, limit_fen, drawn_fen,
         interest_fen, lendable_fen, margin_state, rate, rule, state, opened_at, opened_by, site_name_en,
         site_name_zh)
    VALUES (%(facility_id)s, %(bank_party_id)s, %(borrower_party_id)s, %(site_id)s, %(currency)s,
        %(limit_fen)s, 0, 0, 0, 'ok', %(rate)s, %(rule)s, 'open', %(now)s, %(by_person)s, %(site_name_en)s,
        %(site_name_zh)s)
    ON CONFLICT (facility_id) DO NOTHING"""
COLUMNS = """facility_id, bank_party_id, borrower_party_id, site_id, currency, limit_fen, drawn_fen,
    interest_fen, lendable_fen, margin_state, rate, rule, state"""
LOCK = f"SELECT {COLUMNS} FROM finance.facility WHERE facility_id = %(facility_id)s FOR UPDATE"  # noqa: S608
FIND = f"SELECT {COLUMNS} FROM finance.facility WHERE facility_id = %(facility_id)s"  # noqa: S608
SET_STATE = "UPDATE finance.facility SET state = %(state)s WHERE facility_id = %(facility_id)s"
MOVE_DEBT = """
    UPDATE finance.facility
    SET drawn_fen = drawn_fen + %(drawn_fen)s, interest_fen = interest_fen + %(interest_fen)s
    WHERE facility_id = %(facility_id)s"""
SET_VALUE = """
    UPDATE finance.facility SET lendable_fen = %(lendable_fen)s, margin_state = %(margin_state)s
    WHERE facility_id = %(facility_id)s"""
APPEND = """
    INSERT INTO finance.facility_event (facility_id, kind, at, by_person, facts)
    VALUES (%(facility_id)s, %(kind)s, %(now)s, %(by_person)s, %(facts)s)"""


async def insert(tx: Tx, row: dict[str, Any]) -> bool:
    """False when the id is taken."""
    kept = {**row, "rule": Jsonb(row["rule"]), "now": tx.now, "by_person": tx.caller.person_id}
    return await tx.run(INSERT, kept) == 1


async def lock(tx: Tx, facility_id: str) -> Facility | None:
    row = await tx.row(LOCK, {"facility_id": facility_id})
    return None if row is None else msgspec.convert(row, Facility)


async def find(read: ReadTx, facility_id: str) -> Facility | None:
    row = await read.row(FIND, {"facility_id": facility_id})
    return None if row is None else msgspec.convert(row, Facility)


async def set_state(tx: Tx, facility_id: str, state: str) -> None:
    await tx.run(SET_STATE, {"facility_id": facility_id, "state": state})


async def move_debt(tx: Tx, facility_id: str, drawn_fen: int, interest_fen: int) -> None:
    """Both figures are differences."""
    row = {"facility_id": facility_id, "drawn_fen": drawn_fen, "interest_fen": interest_fen}
    await tx.run(MOVE_DEBT, row)


async def set_value(tx: Tx, facility_id: str, lendable_fen: int, margin_state: str) -> None:
    row = {"facility_id": facility_id, "lendable_fen": lendable_fen, "margin_state": margin_state}
    await tx.run(SET_VALUE, row)


async def append(tx: Tx, facility_id: str, kind: str, facts: dict[str, Any]) -> None:
    """One more line in the facility's history."""
    row = {
        "facility_id": facility_id,
        "kind": kind,
        "now": tx.now,
        "by_person": tx.caller.person_id,
        "facts": Jsonb(facts),
    }
    await tx.run(APPEND, row)
