"""What a lending rule may say, amounts and currencies, and what an open line allows."""

import msgspec
import pytest

from finance.facilities import model
from finance.messages import LendingRule
from kernel.errors import Conflict, Forbidden, Invalid
from tests.unit.finance.test_valuation import facility


def test_the_default_rule_is_sound() -> None:
    model.require_rule(LendingRule())


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"advance_rate": "0.75"}, "facility.ltv_lines"),
        ({"sell_ltv": "1.01"}, "facility.ratio"),
        ({"advance_rate": "0"}, "facility.ratio"),
        ({"modality_factors": ()}, "facility.factors"),
        ({"modality_factors": ("0.9", "0.5")}, "facility.factors"),
        ({"fresh_h": 168}, "facility.freshness"),
        ({"stale_h": 10**9}, "facility.freshness"),
        ({"drawdown_age_h_max": 0}, "facility.drawdown_age"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(changed: dict[str, object], key: str) -> None:
    with pytest.raises(Invalid) as refused:
        model.require_rule(msgspec.structs.replace(LendingRule(), **changed))
    assert refused.value.key == key


@pytest.mark.parametrize(
    ("changed", "field", "rule"),
    [
        ({"advance_rate": "0.8"}, "rule.advance_rate", "below 75 %"),
        ({"warning_ltv": "0.855", "call_ltv": "0.855"}, "rule.warning_ltv", "below 85.5 %"),
        ({"sell_ltv": "0.80"}, "rule.call_ltv", "below 80 %"),
    ],
)
def test_lines_that_do_not_rise_are_refused_at_the_first_that_is_not_below_the_next(
    changed: dict[str, str], field: str, rule: str
) -> None:
    with pytest.raises(Invalid, match=r"facility\.ltv_lines") as refused:
        model.require_rule(msgspec.structs.replace(LendingRule(), **changed))
    assert refused.value.facts == {"field": field, "rule": rule}


@pytest.mark.parametrize(
    "text", ["1e-2", "NaN", "-0.1", "+0.1", "0,5", "", ".", "Infinity", "0.1234567", "٠.٥"]
)
def test_a_ratio_is_a_plain_decimal(text: str) -> None:
    with pytest.raises(Invalid):
        model.ratio(text, "rate")


@pytest.mark.parametrize("amount_fen", [0, -1, 2**53, 10**30])
def test_an_absurd_amount_is_refused(amount_fen: int) -> None:
    with pytest.raises(Invalid, match=r"money\.amount"):
        model.require_amount(amount_fen)


def test_only_currencies_with_books_are_taken() -> None:
    model.require_currency("CNY")
    with pytest.raises(Invalid, match=r"money\.currency"):
        model.require_currency("USD")


def test_a_frozen_facility_allows_nothing() -> None:
    model.require_open(facility())
    with pytest.raises(Conflict, match=r"facility\.frozen"):
        model.require_open(facility(state="frozen"))


def test_nobody_approves_what_they_proposed() -> None:
    model.require_second_person("person-1", "person-2", "thaw.own_proposal")
    with pytest.raises(Forbidden, match=r"thaw\.own_proposal"):
        model.require_second_person("person-1", "person-1", "thaw.own_proposal")
