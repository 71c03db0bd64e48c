"""Pure rules of facilities: what a lending rule may say, and what an open line allows."""

from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Literal

import msgspec

from finance.messages import LendingRule
from kernel.errors import Conflict, Forbidden, Invalid
from kernel.money import AMOUNT_FEN_MAX

FacilityState = Literal["open", "frozen", "closed"]
MarginState = Literal["ok", "warning", "call", "sell"]

CURRENCIES = frozenset({"CNY"})
RATE_MAX = Decimal("0.36")
"""A year. A larger figure is taken for a slip of the pen, such as 4.35 for 0.0435."""
RATE_DECIMALS_MAX = 6
LTV_LINES = ("advance_rate", "warning_ltv", "call_ltv", "sell_ltv")
"""In the order in which they rise."""
STALE_H_MAX = 24 * 366
REASON_LENGTH_MAX = 2_000


class Facility(msgspec.Struct, frozen=True, kw_only=True):
    """A facility as commands see it; its row is locked until the transaction ends."""

    facility_id: str
    bank_party_id: str
    borrower_party_id: str
    site_id: str
    currency: str
    limit_fen: int
    drawn_fen: int
    interest_fen: int
    lendable_fen: int
    margin_state: MarginState
    rate: str
    rule: LendingRule
    state: FacilityState

    @property
    def debt_fen(self) -> int:
        """Principal drawn and interest earned but not paid."""
        return self.drawn_fen + self.interest_fen


def ratio(text: str, field: str, *, most: Decimal = Decimal(1)) -> Decimal:
    """A decimal string above 0 and at most `most`; Invalid otherwise (also for exponents and signs)."""
    rule = f"a decimal above 0, at most {most}, with up to {RATE_DECIMALS_MAX} decimals"
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise Invalid("facility.ratio", field=field, rule=rule) from None
    plain = text.replace(".", "", 1).isdecimal() and text.isascii()
    decimals = len(text.partition(".")[2])
    if not plain or decimals > RATE_DECIMALS_MAX or not 0 < value <= most:
        raise Invalid("facility.ratio", field=field, rule=rule)
    return value


def require_amount(amount_fen: int, field: str = "amount_fen") -> None:
    """Invalid unless a whole number of fen from 1 to what every JSON reader keeps exact."""
    if not 1 <= amount_fen <= AMOUNT_FEN_MAX:
        raise Invalid("money.amount", field=field, rule=f"1 to {AMOUNT_FEN_MAX}")


def require_currency(currency: str) -> None:
    """Invalid for a currency that the product keeps no books in."""
    if currency not in CURRENCIES:
        raise Invalid("money.currency", field="currency", rule=", ".join(sorted(CURRENCIES)))


def require_reason(reason: str) -> None:
    if not 1 <= len(reason.strip()) <= REASON_LENGTH_MAX:
        raise Invalid("facility.reason", field="reason", rule=f"1 to {REASON_LENGTH_MAX} characters")


def require_rule(rule: LendingRule) -> None:
    """Invalid unless the four loan-to-value lines rise, the factors do not fall and the hours make sense."""
    lines = {field: ratio(getattr(rule, field), f"rule.{field}") for field in LTV_LINES}
    for lower, upper in pairwise(LTV_LINES):
        if lines[lower] >= lines[upper]:
            rule_text = f"below {(100 * lines[upper]).normalize():f} %"
            raise Invalid("facility.ltv_lines", field=f"rule.{lower}", rule=rule_text)
    factors = [ratio(text, "rule.modality_factors") for text in rule.modality_factors]
    if not factors or factors != sorted(factors):
        raise Invalid("facility.factors", field="rule.modality_factors", rule="one at least, never falling")
    if not 0 < rule.fresh_h < rule.stale_h <= STALE_H_MAX:
        raise Invalid("facility.freshness", field="rule.fresh_h", rule=f"0 < fresh < stale <= {STALE_H_MAX}")
    if not 0 < rule.drawdown_age_h_max <= rule.stale_h:
        raise Invalid("facility.drawdown_age", field="rule.drawdown_age_h_max", rule="1 to stale_h")


def require_open(facility: Facility) -> None:
    """Conflict unless the facility is open: nothing is lent, pledged or released while it is frozen."""
    if facility.state != "open":
        raise Conflict(f"facility.{facility.state}", facility_id=facility.facility_id)


def require_second_person(proposed_by: str, person_id: str, key: str) -> None:
    """Two people for one decision: Forbidden for the one who proposed it."""
    if proposed_by == person_id:
        raise Forbidden(key, proposed_by=proposed_by)
