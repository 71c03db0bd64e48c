"""Drawdowns, loans and repayments over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from finance.bodies import Currency, Fen
from finance.facilities.model import REASON_LENGTH_MAX
from finance.loans.views import DrawdownView, LoanView, drawdown_view, loan_list, loan_view
from finance.messages import ApproveDrawdown, ProposeDrawdown, RefuseDrawdown, RepayLoan, ReverseRepayment
from identity.http import Admits, Body, Page, PagingQuery, Session

router = APIRouter(prefix="/api/v1", tags=["loans"])

Reader = Annotated[Session, Depends(Admits("officer", "approver", "borrower", "auditor"))]
Proposer = Annotated[Session, Depends(Admits("officer", "borrower"))]
Approver = Annotated[Session, Depends(Admits("approver"))]
Officer = Annotated[Session, Depends(Admits("officer"))]
Decider = Annotated[Session, Depends(Admits("officer", "approver"))]
Reason = Annotated[str, Field(min_length=1, max_length=REASON_LENGTH_MAX)]


class DrawdownBody(Body):
    amount_fen: Fen
    maturity_date: date
    currency: Currency = "CNY"


class RepaymentBody(Body):
    """`paid_on` null means today in the bank's zone."""

    amount_fen: Fen
    paid_on: date | None = None
    currency: Currency = "CNY"


class ReasonBody(Body):
    reason: Reason


@router.get("/loans")
async def list_loans(session: Reader, paging: PagingQuery) -> Page[LoanView]:
    """The caller's loans, newest first."""
    async with session.read() as read:
        loans = await loan_list(read, paging.cursor, paging.limit)
    return paging.page(loans, lambda loan: loan.loan_id)


@router.get("/loans/{loan_id}")
async def show_loan(loan_id: str, session: Reader) -> LoanView:
    async with session.read() as read:
        return await loan_view(read, loan_id)


@router.post("/facilities/{facility_id}/drawdowns", status_code=201)
async def propose_drawdown(facility_id: str, body: DrawdownBody, session: Proposer) -> DrawdownView:
    """Propose to draw; a second person of the bank decides."""
    proposed = await session.do(
        ProposeDrawdown(
            facility_id=facility_id,
            amount_fen=body.amount_fen,
            maturity_on=body.maturity_date,
            currency=body.currency,
        )
    )
    async with session.read() as read:
        return await drawdown_view(read, proposed.drawdown_id)


@router.post("/drawdowns/{drawdown_id}/approve")
async def approve_drawdown(drawdown_id: str, session: Approver) -> LoanView:
    """Approve another person's proposal; the loan is drawn and booked."""
    drawn = await session.do(ApproveDrawdown(drawdown_id=drawdown_id))
    async with session.read() as read:
        return await loan_view(read, drawn.loan_id)


@router.post("/drawdowns/{drawdown_id}/refuse")
async def refuse_drawdown(drawdown_id: str, body: ReasonBody, session: Decider) -> DrawdownView:
    await session.do(RefuseDrawdown(drawdown_id=drawdown_id, reason=body.reason))
    async with session.read() as read:
        return await drawdown_view(read, drawdown_id)


@router.post("/loans/{loan_id}/repayments", status_code=201)
async def repay_loan(loan_id: str, body: RepaymentBody, session: Officer) -> LoanView:
    """Book a repayment that the bank received: interest first, then principal."""
    await session.do(RepayLoan(loan_id=loan_id, **body.model_dump()))
    async with session.read() as read:
        return await loan_view(read, loan_id)


@router.post("/loans/{loan_id}/repayments/{entry_id}/reverse")
async def reverse_repayment(loan_id: str, entry_id: str, body: ReasonBody, session: Officer) -> LoanView:
    """Undo the last repayment by a reversing entry."""
    await session.do(ReverseRepayment(loan_id=loan_id, entry_id=entry_id, reason=body.reason))
    async with session.read() as read:
        return await loan_view(read, loan_id)
