"""Pure rules of bullet loans: interest by accumulated products, repayment, what may be drawn."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

from finance.collateral.model import Valuation, available_fen
from finance.facilities.model import Facility, require_open
from kernel.errors import Conflict, Invalid
from kernel.money import round_half_up_fen

LoanState = Literal["active", "repaid"]

TERM_DAYS_MAX = 5 * 366
DAYS_OF_YEAR = 360
"""ACT/360, the default for CNY."""


class Loan(msgspec.Struct, frozen=True, kw_only=True):
    """A loan as commands see it; its row is locked until the transaction ends.

    `product_fen_days` is the sum over days of the principal outstanding (积数); `accrued_fen` is the interest
    earned since the start, `interest_fen` the part of it that is not paid. `accrued_through` is the first day
    not yet counted.
    """

    loan_id: str
    facility_id: str
    bank_party_id: str
    drawdown_id: str
    principal_fen: int
    outstanding_fen: int
    interest_fen: int
    product_fen_days: int
    accrued_fen: int
    currency: str
    rate: str
    drawn_on: date
    accrued_through: date
    maturity_on: date
    state: LoanState

    @property
    def debt_fen(self) -> int:
        return self.outstanding_fen + self.interest_fen


class Paid(NamedTuple):
    """How a repayment is shared out."""

    interest_fen: int
    principal_fen: int


def accrued_total_fen(product_fen_days: int, rate: str) -> int:
    """Interest on accumulated products: sum of principal x days, x annual rate / 360, to the fen, halves up.

    Source: People's Bank of China, accumulated-product method (积数计息法). For one principal over one
    period it equals `kernel.money.interest_act_360_fen`.
    """
    return round_half_up_fen(Decimal(product_fen_days) * Decimal(rate) / DAYS_OF_YEAR)


def accrue(loan: Loan, through: date) -> Loan:
    """The loan with the interest of every day before `through`.

    A date before `accrued_through` changes nothing: days are counted once.
    """
    days = max(0, (through - loan.accrued_through).days)
    product = loan.product_fen_days + loan.outstanding_fen * days
    total = max(loan.accrued_fen, accrued_total_fen(product, loan.rate))
    return msgspec.structs.replace(
        loan,
        product_fen_days=product,
        accrued_fen=total,
        interest_fen=loan.interest_fen + total - loan.accrued_fen,
        accrued_through=max(loan.accrued_through, through),
    )


def repay(loan: Loan, amount_fen: int) -> tuple[Loan, Paid]:
    """Interest first, then principal. Conflict when there is no debt or the amount exceeds it."""
    if loan.state == "repaid":
        raise Conflict("loan.repaid", loan_id=loan.loan_id)
    if amount_fen > loan.debt_fen:
        raise Conflict(
            "loan.overpayment",
            loan_id=loan.loan_id,
            amount_fen=amount_fen,
            debt_fen=loan.debt_fen,
            currency=loan.currency,
        )
    interest_fen = min(amount_fen, loan.interest_fen)
    paid = Paid(interest_fen, amount_fen - interest_fen)
    left = msgspec.structs.replace(
        loan,
        interest_fen=loan.interest_fen - paid.interest_fen,
        outstanding_fen=loan.outstanding_fen - paid.principal_fen,
    )
    return msgspec.structs.replace(left, state="active" if left.debt_fen else "repaid"), paid


def undo_repayment(loan: Loan, paid: Paid, value_date: date) -> Loan:
    """The loan as if the last repayment had not been: the days since then count the principal again.

    The interest on those days shows at the next accrual, which the caller makes at once.
    """
    days = max(0, (loan.accrued_through - value_date).days)
    return msgspec.structs.replace(
        loan,
        outstanding_fen=loan.outstanding_fen + paid.principal_fen,
        interest_fen=loan.interest_fen + paid.interest_fen,
        product_fen_days=loan.product_fen_days + paid.principal_fen * days,
        state="active",
    )


def paid_of(facts: Mapping[str, Any]) -> Paid:
    """How a booked repayment was shared out, from the facts of its entry."""
    return Paid(int(facts["interest_fen"]), int(facts["principal_fen"]))


def require_same_currency(currency: str, facility: Facility) -> None:
    """Invalid for money in another currency than the facility's."""
    if currency != facility.currency:
        raise Invalid("money.currency", field="currency", rule=facility.currency)


def require_room_again(facility: Facility, paid: Paid) -> None:
    """A repayment is undone only while its principal still fits the limit; Conflict otherwise."""
    if facility.drawn_fen + paid.principal_fen > facility.limit_fen:
        raise Conflict(
            "loan.reversal_above_limit", limit_fen=facility.limit_fen, drawn_fen=facility.drawn_fen
        )


def require_term(maturity_on: date, today: date) -> None:
    """Invalid unless the loan falls due after today, within `TERM_DAYS_MAX` days."""
    if not 1 <= (maturity_on - today).days <= TERM_DAYS_MAX:
        raise Invalid(
            "drawdown.maturity", field="maturity_date", rule=f"1 to {TERM_DAYS_MAX} days from today"
        )


def require_paid_on(paid_on: date, loan: Loan, today: date) -> None:
    """No back-dating behind interest that is booked, and no paying in the future: Invalid."""
    if not loan.accrued_through <= paid_on <= today:
        raise Invalid(
            "loan.paid_on",
            field="paid_on",
            rule=f"{loan.accrued_through.isoformat()} to {today.isoformat()}",
        )


def require_drawable(facility: Facility, valuation: Valuation, amount_fen: int) -> None:
    """Refuse, by Conflict, money that the stock as seen now does not carry.

    In this order: a frozen facility, evidence too old, more than what may still be drawn. Without any pledge
    nothing may be drawn, and the last of the three says so.
    """
    require_open(facility)
    has_pledges = valuation.book_units > 0
    age_h_max = facility.rule.drawdown_age_h_max
    if has_pledges and (valuation.age_h is None or valuation.age_h > age_h_max):
        raise Conflict("drawdown.evidence_stale", age_h=valuation.age_h, age_h_max=age_h_max)
    room_fen = available_fen(facility, valuation.lendable_fen)
    if amount_fen > room_fen:
        raise Conflict(
            "drawdown.above_lendable",
            amount_fen=amount_fen,
            available_fen=room_fen,
            lendable_fen=valuation.lendable_fen,
            limit_fen=facility.limit_fen,
            debt_fen=facility.debt_fen,
            currency=facility.currency,
        )
