"""Pure rules of double entry: which accounts exist, when an entry balances, what its reversal is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from kernel.errors import Conflict
from kernel.money import AMOUNT_FEN_MAX

AccountKind = Literal["settlement", "loan_principal", "interest_receivable", "interest_income"]
Side = Literal["debit", "credit", "either"]
EntryKind = Literal["drawdown", "accrual", "repayment", "reversal"]

BANK_ZONE = "Asia/Shanghai"

SIDE_OF: Mapping[AccountKind, Side] = {
    "settlement": "either",
    "loan_principal": "debit",
    "interest_receivable": "debit",
    "interest_income": "credit",
}
"""The side an account of this kind never leaves. Settlement clears against the payment system: either way."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account of a bank's books. `party_id` is whom it concerns: the bank itself or a borrower."""

    account_id: str
    bank_party_id: str
    party_id: str
    facility_id: str | None
    kind: AccountKind
    currency: str

    @property
    def side(self) -> Side:
        return SIDE_OF[self.kind]


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One line: debits positive, credits negative, in fen."""

    account_id: str
    amount_fen: int


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry about to be booked. `value_date` is the day from which it bears interest."""

    bank_party_id: str
    kind: EntryKind
    value_date: date
    currency: str
    postings: tuple[Posting, ...]
    facility_id: str | None = None
    loan_id: str | None = None
    reverses: str | None = None
    facts: dict[str, Any] = {}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that has got its id and the business date it is booked on."""

    entry_id: str
    business_date: date
    draft: Draft


def bank_account_id(bank_party_id: str, kind: AccountKind, currency: str) -> str:
    """The id of an account that a bank has once per currency."""
    return f"{bank_party_id}:{kind}:{currency}"


def facility_account_id(facility_id: str, kind: AccountKind) -> str:
    """The id of an account that a bank has once per facility."""
    return f"{facility_id}:{kind}"


def bank_accounts(bank_party_id: str, currency: str) -> list[Account]:
    """The accounts that a bank has once per currency."""
    kinds: tuple[AccountKind, ...] = ("settlement", "interest_income")
    return [
        Account(
            account_id=bank_account_id(bank_party_id, kind, currency),
            bank_party_id=bank_party_id,
            party_id=bank_party_id,
            facility_id=None,
            kind=kind,
            currency=currency,
        )
        for kind in kinds
    ]


def facility_accounts(
    bank_party_id: str, borrower_party_id: str, facility_id: str, currency: str
) -> list[Account]:
    """The accounts that a bank has once per facility."""
    kinds: tuple[AccountKind, ...] = ("loan_principal", "interest_receivable")
    return [
        Account(
            account_id=facility_account_id(facility_id, kind),
            bank_party_id=bank_party_id,
            party_id=borrower_party_id,
            facility_id=facility_id,
            kind=kind,
            currency=currency,
        )
        for kind in kinds
    ]


def debit_total_fen(postings: Sequence[Posting]) -> int:
    """The sum of the debits of a balanced entry.

    Raises AssertionError when the lines do not balance, one is zero or one is too large for exact readers:
    that is a fault of the program, and the database refuses it once more at commit.
    """
    amounts = [posting.amount_fen for posting in postings]
    assert len(amounts) >= 2 and all(0 < abs(amount) <= AMOUNT_FEN_MAX for amount in amounts), amounts
    assert sum(amounts) == 0, f"debits and credits differ by {sum(amounts)} fen"
    return sum(amount for amount in amounts if amount > 0)


def transfer(debit_account_id: str, credit_account_id: str, amount_fen: int) -> tuple[Posting, ...]:
    """Two lines that move `amount_fen` to the debit of one account and the credit of the other."""
    return (
        Posting(account_id=debit_account_id, amount_fen=amount_fen),
        Posting(account_id=credit_account_id, amount_fen=-amount_fen),
    )


def net_by_account(postings: Sequence[Posting]) -> dict[str, int]:
    """How far each balance moves, in order of account id: the order in which they are locked."""
    net: Counter[str] = Counter()
    for posting in postings:
        net[posting.account_id] += posting.amount_fen
    return dict(sorted(net.items()))


def reversal_of(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    """The same lines with the opposite sign."""
    return tuple(
        Posting(account_id=posting.account_id, amount_fen=-posting.amount_fen) for posting in postings
    )


def local_date(moment: datetime, time_zone: str) -> date:
    """The calendar date of a moment in a bank's zone."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def require_over(open_date: date, closing: date, today: date) -> None:
    """A bank closes its business dates one by one, each after it is over in its zone; Conflict otherwise."""
    if closing > open_date:
        raise Conflict("day_end.out_of_order", field="business_date", open_date=open_date.isoformat())
    if closing >= today:
        raise Conflict("day_end.not_over", field="business_date", today=today.isoformat())
