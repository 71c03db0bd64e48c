"""Money is integer fen with a currency. Rates are decimal strings. Every rounding has a name."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from kernel.errors import Invalid

AMOUNT_FEN_MAX = 2**53 - 1
"""Amounts stay exact in every JSON reader."""


class Money(msgspec.Struct, frozen=True, order=True):
    """`amount_fen` hundredths of the currency unit; negative only in postings."""

    amount_fen: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if abs(self.amount_fen) > AMOUNT_FEN_MAX:
            raise Invalid("money.too_large", field="amount_fen", rule=f"at most {AMOUNT_FEN_MAX}")
        if len(self.currency) != 3 or not self.currency.isupper():
            raise Invalid("money.currency", field="currency", rule="ISO 4217 code in capitals")


def round_half_up_fen(amount: Decimal) -> int:
    """Round to a whole fen, halves away from zero: the product-wide rule for interest."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def interest_act_360_fen(principal_fen: int, rate: str, start: date, end: date) -> int:
    """Simple interest, ACT/360: principal x actual days x annual rate / 360.

    `rate` is a decimal string such as "0.0435". Formula: People's Bank of China, accumulated-product
    method (积数计息法). Raises Invalid when `end` is before `start`.
    """
    days = (end - start).days
    if days < 0:
        raise Invalid("money.interest_period", field="end", rule="not before start")
    return round_half_up_fen(Decimal(principal_fen) * days * Decimal(rate) / 360)
