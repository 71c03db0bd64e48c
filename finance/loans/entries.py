"""The bookings of a loan's life, as balanced drafts. Pure."""

from collections.abc import Iterable
from datetime import date, timedelta

from finance.ledger.model import Draft, bank_account_id, facility_account_id, transfer
from finance.loans.model import Loan, Paid


def drawdown(loan: Loan) -> Draft:
    """Money out: the borrower owes the principal, the bank's settlement account pays it."""
    return Draft(
        bank_party_id=loan.bank_party_id,
        kind="drawdown",
        value_date=loan.drawn_on,
        currency=loan.currency,
        postings=transfer(_principal(loan), _settlement(loan), loan.principal_fen),
        facility_id=loan.facility_id,
        loan_id=loan.loan_id,
        facts={"principal_fen": loan.principal_fen, "maturity_on": loan.maturity_on.isoformat()},
    )


def accruals(pairs: Iterable[tuple[Loan, Loan]]) -> list[Draft]:
    """Interest earned between the two states of each loan; none where nothing was earned."""
    return [_accrual(before, after) for before, after in pairs if after.accrued_fen > before.accrued_fen]


def _accrual(before: Loan, after: Loan) -> Draft:
    """Interest earned: the borrower owes it, the bank's income shows it."""
    earned_fen = after.accrued_fen - before.accrued_fen
    income = bank_account_id(after.bank_party_id, "interest_income", after.currency)
    return Draft(
        bank_party_id=after.bank_party_id,
        kind="accrual",
        value_date=max(after.drawn_on, after.accrued_through - timedelta(days=1)),
        currency=after.currency,
        postings=transfer(_interest(after), income, earned_fen),
        facility_id=after.facility_id,
        loan_id=after.loan_id,
        facts={
            "interest_fen": earned_fen,
            "from": before.accrued_through.isoformat(),
            "to": after.accrued_through.isoformat(),
            "rate": after.rate,
        },
    )


def repayment(loan: Loan, paid: Paid, paid_on: date, number: int) -> Draft:
    """Money in: interest is paid before principal. `number` counts the loan's repayments."""
    amount_fen = paid.interest_fen + paid.principal_fen
    shares = ((_interest(loan), paid.interest_fen), (_principal(loan), paid.principal_fen))
    lines = [
        line for account, share in shares if share for line in transfer(_settlement(loan), account, share)
    ]
    return Draft(
        bank_party_id=loan.bank_party_id,
        kind="repayment",
        value_date=paid_on,
        currency=loan.currency,
        postings=tuple(lines),
        facility_id=loan.facility_id,
        loan_id=loan.loan_id,
        facts={
            "number": number,
            "amount_fen": amount_fen,
            "interest_fen": paid.interest_fen,
            "principal_fen": paid.principal_fen,
        },
    )


def _principal(loan: Loan) -> str:
    return facility_account_id(loan.facility_id, "loan_principal")


def _interest(loan: Loan) -> str:
    return facility_account_id(loan.facility_id, "interest_receivable")


def _settlement(loan: Loan) -> str:
    return bank_account_id(loan.bank_party_id, "settlement", loan.currency)
