"""Drawdowns and loans as bank and borrower see them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from pydantic import BaseModel

from finance.loans import store
from identity.api import names_of
from kernel.errors import NotFound
from kernel.tx import ReadTx, Row


class DrawdownView(BaseModel):
    drawdown_id: str
    facility_id: str
    state: str
    amount_fen: int
    maturity_date: date
    proposed_by: str
    proposed_by_name: str | None
    proposed_at: datetime
    approved_by: str | None
    approved_by_name: str | None
    decided_by: str | None
    decided_by_name: str | None
    decided_at: datetime | None
    reason: str | None


class LoanView(BaseModel):
    """A loan's figures. `interest_fen` is earned and not paid, for the days before `accrued_through`."""

    loan_id: str
    facility_id: str
    drawdown_id: str
    principal_fen: int
    outstanding_fen: int
    interest_fen: int
    currency: str
    rate: str
    drawn_on: date
    accrued_through: date
    maturity_on: date
    state: str


async def drawdown_view(read: ReadTx, drawdown_id: str) -> DrawdownView:
    """One drawdown; NotFound when there is none for this reader."""
    row = await store.find_drawdown(read, drawdown_id)
    if row is None:
        raise NotFound("drawdown.unknown", drawdown_id=drawdown_id)
    return (await _drawdowns(read, [row]))[0]


async def loan_view(read: ReadTx, loan_id: str) -> LoanView:
    """One loan; NotFound when there is none for this reader."""
    row = await store.find_loan(read, loan_id)
    if row is None:
        raise NotFound("loan.unknown", loan_id=loan_id)
    return _loan(row)


async def loan_list(read: ReadTx, cursor: str | None, limit: int) -> list[LoanView]:
    """The reader's loans, newest first."""
    return [_loan(row) for row in await store.loan_page(read, cursor, limit)]


async def drawdowns_of(read: ReadTx, facility_id: str) -> list[DrawdownView]:
    """A facility's drawdowns, newest first."""
    return await _drawdowns(read, await store.drawdowns_of_facility(read, facility_id))


async def loans_of(read: ReadTx, facility_id: str) -> list[LoanView]:
    """A facility's loans, newest first."""
    return [_loan(row) for row in await store.loans_of_facility(read, facility_id)]


async def _drawdowns(read: ReadTx, rows: Sequence[Row]) -> list[DrawdownView]:
    people = (row[field] for row in rows for field in ("proposed_by", "decided_by"))
    names = await names_of(read, people)
    return [_drawdown(row, names) for row in rows]


def _drawdown(row: Row, names: Mapping[str, str]) -> DrawdownView:
    approved_by = row["decided_by"] if row["state"] == "approved" else None
    kept = {name: row[name] for name in DrawdownView.model_fields.keys() & row.keys()}
    return DrawdownView(
        **kept,
        maturity_date=row["maturity_on"],
        proposed_by_name=names.get(row["proposed_by"]),
        approved_by=approved_by,
        approved_by_name=names.get(approved_by or ""),
        decided_by_name=names.get(row["decided_by"] or ""),
    )


def _loan(row: Row) -> LoanView:
    return LoanView(**{name: row[name] for name in LoanView.model_fields})
