"""SQL of drawdowns and loans."""

from collections.abc import Sequence
from typing import Any

import msgspec

from finance.loans.model import Loan
from kernel.tx import ReadTx, Row, Tx

SHOWN_MAX = 500
"""Loans or drawdowns on one facility's page; older ones are found in the lists."""

INSERT_DRAWDOWN = """
    INSERT INTO finance.drawdown
        (drawdown_id, facility_id, amount_fen, maturity_on, state, proposed_by, proposed_at)
    VALUES (%(drawdown_id)s, %(facility_id)s, %(amount_fen)s, %(maturity_on)s, 'proposed', %(by_person)s,
        %(now)s)"""
FIND_DRAWDOWN = "SELECT * FROM finance.drawdown WHERE drawdown_id = %(drawdown_id)s"
DECIDE = """
    UPDATE finance.drawdown SET state = %(state)s, decided_by = %(by_person)s, decided_at = %(now)s,
        reason = %(reason)s
    WHERE drawdown_id = %(drawdown_id)s AND state = 'proposed'"""
COLUMNS = """loan_id, facility_id, bank_party_id, drawdown_id, principal_fen, outstanding_fen, interest_fen,
    product_fen_days::text, accrued_fen, currency, rate, drawn_on, accrued_through, maturity_on, state"""
INSERT_LOAN = """
    INSERT INTO finance.loan
        (loan_id, facility_id, bank_party_id, drawdown_id, principal_fen, outstanding_fen, interest_fen,
         product_fen_days, accrued_fen, currency, rate, drawn_on, accrued_through, maturity_on, state,
         drawn_at)
    VALUES (%(loan_id)s, %(facility_id)s, %(bank_party_id)s, %(drawdown_id)s, %(principal_fen)s,
        %(outstanding_fen)s, %(interest_fen)s, %(product_fen_days)s, %(accrued_fen)s, %(currency)s, %(rate)s,
        %(drawn_on)s, %(accrued_through)s, %(maturity_on)s, %(state)s, %(now)s)"""
FACILITY_OF_LOAN = "SELECT facility_id, bank_party_id FROM finance.loan WHERE loan_id = %(loan_id)s"
LOCK_LOAN = f"SELECT {COLUMNS} FROM finance.loan WHERE loan_id = %(loan_id)s FOR UPDATE"  # noqa: S608
FIND_LOAN = f"SELECT {COLUMNS} FROM finance.loan WHERE loan_id = %(loan_id)s"  # noqa: S608
LOAN_PAGE = f"""
    SELECT {COLUMNS} FROM finance.loan
    WHERE loan_id < coalesce(%(cursor)s, '~') ORDER BY loan_id DESC LIMIT %(limit)s"""  # noqa: S608
LOANS_OF_FACILITY = f"""
    SELECT {COLUMNS} FROM finance.loan
    WHERE facility_id = %(facility_id)s ORDER BY loan_id DESC LIMIT {SHOWN_MAX}"""  # noqa: S608
DRAWDOWNS_OF_FACILITY = f"""
    SELECT * FROM finance.drawdown
    WHERE facility_id = %(facility_id)s ORDER BY drawdown_id DESC LIMIT {SHOWN_MAX}"""  # noqa: S608
LOCK_ACTIVE = f"""
    SELECT {COLUMNS} FROM finance.loan
    WHERE bank_party_id = %(bank_party_id)s AND state = 'active' ORDER BY loan_id FOR UPDATE"""  # noqa: S608
LOCK_FACILITIES = """
    SELECT facility_id FROM finance.facility
    WHERE bank_party_id = %(bank_party_id)s ORDER BY facility_id FOR UPDATE"""
SAVE = """
    UPDATE finance.loan SET outstanding_fen = %(outstanding_fen)s, interest_fen = %(interest_fen)s,
        product_fen_days = %(product_fen_days)s, accrued_fen = %(accrued_fen)s,
        accrued_through = %(accrued_through)s, state = %(state)s,
        repaid_at = CASE WHEN %(state)s = 'repaid' THEN %(now)s END
    WHERE loan_id = %(loan_id)s"""
# The repayment that may be undone: the last one that was not undone before.
LAST_REPAYMENT = """
    SELECT e.entry_id, e.value_date, e.facts FROM finance.entry e
    WHERE e.loan_id = %(loan_id)s AND e.kind = 'repayment'
        AND NOT EXISTS (SELECT FROM finance.entry r WHERE r.reverses = e.entry_id)
    ORDER BY (e.facts ->> 'number')::integer DESC LIMIT 1"""
COUNT_REPAYMENTS = """
    SELECT count(*) FROM finance.entry WHERE loan_id = %(loan_id)s AND kind = 'repayment'"""
# Loans against the books: principal and interest of each facility from its loans, its accounts and its row.
FIGURES = """
    SELECT f.facility_id, f.drawn_fen, f.interest_fen,
        coalesce(l.principal_fen, 0)::bigint AS loans_principal_fen,
        coalesce(l.interest_fen, 0)::bigint AS loans_interest_fen,
        coalesce(b.principal_fen, 0)::bigint AS books_principal_fen,
        coalesce(b.interest_fen, 0)::bigint AS books_interest_fen
    FROM finance.facility f
    LEFT JOIN (
        SELECT facility_id, sum(outstanding_fen) AS principal_fen, sum(interest_fen) AS interest_fen
        FROM finance.loan GROUP BY facility_id
    ) l USING (facility_id)
    LEFT JOIN (
        SELECT a.facility_id,
            sum(p.amount_fen) FILTER (WHERE a.kind = 'loan_principal') AS principal_fen,
            sum(p.amount_fen) FILTER (WHERE a.kind = 'interest_receivable') AS interest_fen
        FROM finance.account a JOIN finance.posting p USING (account_id) GROUP BY a.facility_id
    ) b USING (facility_id)
    ORDER BY f.facility_id"""


async def insert_drawdown(tx: Tx, row: dict[str, Any]) -> None:
    await tx.run(INSERT_DRAWDOWN, {**row, "by_person": tx.caller.person_id, "now": tx.now})


async def find_drawdown(read: ReadTx, drawdown_id: str) -> Row | None:
    return await read.row(FIND_DRAWDOWN, {"drawdown_id": drawdown_id})


async def decide(tx: Tx, drawdown_id: str, state: str, reason: str | None = None) -> bool:
    """False when it was decided before."""
    row = {
        "drawdown_id": drawdown_id,
        "state": state,
        "reason": reason,
        "by_person": tx.caller.person_id,
        "now": tx.now,
    }
    return await tx.run(DECIDE, row) == 1


async def insert_loan(tx: Tx, loan: Loan) -> None:
    await tx.run(INSERT_LOAN, {**msgspec.structs.asdict(loan), "now": tx.now})


async def find_loan(read: ReadTx, loan_id: str) -> Row | None:
    return await read.row(FIND_LOAN, {"loan_id": loan_id})


async def loan_page(read: ReadTx, cursor: str | None, limit: int) -> list[Row]:
    """Loans that the reader may see, newest first; the cursor is the id of the last one shown."""
    return await read.rows(LOAN_PAGE, {"cursor": cursor, "limit": limit})


async def loans_of_facility(read: ReadTx, facility_id: str) -> list[Row]:
    return await read.rows(LOANS_OF_FACILITY, {"facility_id": facility_id})


async def drawdowns_of_facility(read: ReadTx, facility_id: str) -> list[Row]:
    return await read.rows(DRAWDOWNS_OF_FACILITY, {"facility_id": facility_id})


async def facility_of_loan(read: ReadTx, loan_id: str) -> tuple[str, str] | None:
    """(facility, bank) of a loan, not locked."""
    row = await read.row(FACILITY_OF_LOAN, {"loan_id": loan_id})
    return None if row is None else (row["facility_id"], row["bank_party_id"])


async def lock_loan(tx: Tx, loan_id: str) -> Loan | None:
    row = await tx.row(LOCK_LOAN, {"loan_id": loan_id})
    return None if row is None else _loan(row)


async def lock_active(tx: Tx, bank_party_id: str) -> list[Loan]:
    """All active loans of a bank, behind the locks of its facilities."""
    await tx.rows(LOCK_FACILITIES, {"bank_party_id": bank_party_id})
    return [_loan(row) for row in await tx.rows(LOCK_ACTIVE, {"bank_party_id": bank_party_id})]


def _loan(row: Row) -> Loan:
    """`product_fen_days` travels as text: it may exceed what a float keeps."""
    return msgspec.convert({**row, "product_fen_days": int(row["product_fen_days"])}, Loan)


async def save(tx: Tx, loans: Sequence[Loan]) -> None:
    await tx.run_many(SAVE, [{**msgspec.structs.asdict(loan), "now": tx.now} for loan in loans])


async def last_repayment(tx: Tx, loan_id: str) -> Row | None:
    return await tx.row(LAST_REPAYMENT, {"loan_id": loan_id})


async def count_repayments(tx: Tx, loan_id: str) -> int:
    return int(await tx.value(COUNT_REPAYMENTS, {"loan_id": loan_id}))


async def figures(read: ReadTx) -> list[Row]:
    return await read.rows(FIGURES)
