"""Interest by accumulated products, the repayment waterfall and what may be drawn, reckoned by hand."""

from datetime import date, datetime, timedelta

import msgspec
import pytest

from finance.collateral.model import total, value_pledge
from finance.ledger import model as books
from finance.ledger.model import Posting
from finance.loans import entries, model
from finance.loans.model import Loan, Paid
from kernel.errors import Conflict, Invalid
from kernel.money import interest_act_360_fen
from tests.unit.finance.test_valuation import NOW, PRICE, RULE, facility, pledged, seen

DRAWN = date(2026, 11, 23)


def loan(**changed: object) -> Loan:
    whole = Loan(
        loan_id="loan-1",
        facility_id="facility-1",
        bank_party_id="bank",
        drawdown_id="drawdown-1",
        principal_fen=100_000_000,
        outstanding_fen=100_000_000,
        interest_fen=0,
        product_fen_days=0,
        accrued_fen=0,
        currency="CNY",
        rate="0.0435",
        drawn_on=DRAWN,
        accrued_through=DRAWN,
        maturity_on=DRAWN + timedelta(days=90),
        state="active",
    )
    return msgspec.structs.replace(whole, **changed)


def test_ninety_days_on_a_million_yuan_cost_what_the_formula_says() -> None:
    due = model.accrue(loan(), DRAWN + timedelta(days=90))
    assert due.interest_fen == 1_087_500
    assert due.interest_fen == interest_act_360_fen(100_000_000, "0.0435", DRAWN, DRAWN + timedelta(days=90))


def test_daily_rounding_does_not_add_up_to_a_lost_fen() -> None:
    small = loan(principal_fen=1_000, outstanding_fen=1_000)
    for day in range(1, 361):
        small = model.accrue(small, DRAWN + timedelta(days=day))
    assert (
        small.interest_fen == 44 == interest_act_360_fen(1_000, "0.0435", DRAWN, DRAWN + timedelta(days=360))
    )


def test_a_day_is_counted_once() -> None:
    once = model.accrue(loan(), DRAWN + timedelta(days=3))
    assert model.accrue(once, DRAWN + timedelta(days=3)) == once
    assert model.accrue(once, DRAWN + timedelta(days=1)) == once


def test_a_repayment_pays_interest_first() -> None:
    due = model.accrue(loan(), DRAWN + timedelta(days=90))
    left, paid = model.repay(due, 1_087_500 + 40_000_000)
    assert paid == Paid(interest_fen=1_087_500, principal_fen=40_000_000)
    assert (left.outstanding_fen, left.interest_fen, left.state) == (60_000_000, 0, "active")


def test_a_small_repayment_leaves_interest_and_all_principal() -> None:
    left, paid = model.repay(model.accrue(loan(), DRAWN + timedelta(days=90)), 500)
    assert paid == Paid(500, 0)
    assert (left.outstanding_fen, left.interest_fen) == (100_000_000, 1_087_000)


def test_paying_everything_settles_the_loan() -> None:
    due = model.accrue(loan(), DRAWN + timedelta(days=1))
    left, _ = model.repay(due, due.debt_fen)
    assert (left.debt_fen, left.state) == (0, "repaid")


def test_one_fen_too_much_is_refused_and_says_what_is_owed() -> None:
    with pytest.raises(Conflict) as refused:
        model.repay(loan(), 100_000_001)
    assert (refused.value.key, refused.value.facts["debt_fen"]) == ("loan.overpayment", 100_000_000)


def test_a_settled_loan_takes_no_money() -> None:
    with pytest.raises(Conflict, match=r"loan\.repaid"):
        model.repay(loan(outstanding_fen=0, state="repaid"), 1)


def test_two_repayments_in_one_day_never_give_negative_interest() -> None:
    due = model.accrue(loan(), DRAWN + timedelta(days=10))
    first, _ = model.repay(due, 60_000_000)
    second, _ = model.repay(model.accrue(first, DRAWN + timedelta(days=10)), 30_000_000)
    after = model.accrue(second, DRAWN + timedelta(days=11))
    assert second.interest_fen == 0 <= after.interest_fen
    assert after.accrued_fen >= due.accrued_fen


def test_an_undone_repayment_leaves_the_interest_of_a_loan_never_paid() -> None:
    due = model.accrue(loan(), DRAWN + timedelta(days=10))
    left, paid = model.repay(due, 50_000_000)
    later = model.accrue(left, DRAWN + timedelta(days=30))
    undone = model.undo_repayment(later, paid, DRAWN + timedelta(days=10))
    restored = model.accrue(undone, DRAWN + timedelta(days=30))
    assert restored == model.accrue(loan(), DRAWN + timedelta(days=30))


def test_money_is_not_paid_before_booked_interest_nor_in_the_future() -> None:
    due = model.accrue(loan(), DRAWN + timedelta(days=5))
    model.require_paid_on(DRAWN + timedelta(days=5), due, DRAWN + timedelta(days=6))
    for wrong in (DRAWN + timedelta(days=4), DRAWN + timedelta(days=7)):
        with pytest.raises(Invalid, match=r"loan\.paid_on"):
            model.require_paid_on(wrong, due, DRAWN + timedelta(days=6))


@pytest.mark.parametrize("days", [0, -1, model.TERM_DAYS_MAX + 1])
def test_an_absurd_term_is_refused(days: int) -> None:
    with pytest.raises(Invalid, match=r"drawdown\.maturity"):
        model.require_term(DRAWN + timedelta(days=days), DRAWN)


def valued(now: datetime = NOW):
    return total([value_pledge(pledged(), seen(), PRICE, RULE, now)], RULE)


def test_the_last_fen_of_the_lendable_amount_may_be_drawn_and_not_one_more() -> None:
    model.require_drawable(facility(), valued(), 4_147_920)
    with pytest.raises(Conflict) as refused:
        model.require_drawable(facility(), valued(), 4_147_921)
    assert refused.value.key == "drawdown.above_lendable"
    assert refused.value.facts["available_fen"] == 4_147_920


def test_a_frozen_facility_says_so_before_anything_else() -> None:
    with pytest.raises(Conflict, match=r"facility\.frozen"):
        model.require_drawable(facility(state="frozen"), valued(NOW + timedelta(days=9)), 10**15)


def test_no_money_is_drawn_on_old_evidence() -> None:
    with pytest.raises(Conflict) as refused:
        model.require_drawable(facility(), valued(NOW + timedelta(hours=24)), 1)
    assert refused.value.key == "drawdown.evidence_stale"
    assert (refused.value.facts["age_h"], refused.value.facts["age_h_max"]) == (25.0, 24)


def test_without_a_pledge_nothing_is_there_to_be_drawn() -> None:
    with pytest.raises(Conflict) as refused:
        model.require_drawable(facility(), total([], RULE), 1)
    assert (refused.value.key, refused.value.facts["available_fen"]) == ("drawdown.above_lendable", 0)


def test_every_booking_of_a_loans_life_balances() -> None:
    before = loan()
    due = model.accrue(before, DRAWN + timedelta(days=90))
    left, paid = model.repay(due, 41_087_500)
    drafts = [
        entries.drawdown(before),
        *entries.accruals([(before, due)]),
        entries.repayment(left, paid, DRAWN + timedelta(days=90), 1),
    ]
    assert [books.debit_total_fen(draft.postings) for draft in drafts] == [100_000_000, 1_087_500, 41_087_500]
    net = books.net_by_account([posting for draft in drafts for posting in draft.postings])
    assert net == {
        "bank:interest_income:CNY": -1_087_500,
        "bank:settlement:CNY": -58_912_500,
        "facility-1:interest_receivable": 0,
        "facility-1:loan_principal": 60_000_000,
    }


def test_a_day_without_interest_is_not_booked() -> None:
    assert entries.accruals([(loan(), loan())]) == []


def test_lines_that_do_not_balance_are_a_fault_of_the_program() -> None:
    with pytest.raises(AssertionError, match="differ by 1 fen"):
        books.debit_total_fen([Posting(account_id="a", amount_fen=5), Posting(account_id="b", amount_fen=-4)])


def test_a_reversal_is_the_entry_with_the_other_sign() -> None:
    lines = books.transfer("a", "b", 7)
    assert books.net_by_account([*lines, *books.reversal_of(lines)]) == {"a": 0, "b": 0}


@pytest.mark.parametrize(
    ("closing", "today", "key"),
    [
        (date(2026, 11, 24), date(2026, 11, 30), "day_end.out_of_order"),
        (date(2026, 11, 23), date(2026, 11, 23), "day_end.not_over"),
    ],
)
def test_business_dates_are_closed_one_by_one_when_they_are_over(
    closing: date, today: date, key: str
) -> None:
    books.require_over(DRAWN, DRAWN, date(2026, 11, 24))
    with pytest.raises(Conflict) as refused:
        books.require_over(DRAWN, closing, today)
    assert refused.value.key == key


def test_the_business_date_turns_at_midnight_in_the_banks_zone() -> None:
    evening = datetime.fromisoformat("2026-11-23T15:59:59+00:00")
    assert books.local_date(evening, books.BANK_ZONE) == date(2026, 11, 23)
    assert books.local_date(evening + timedelta(seconds=1), books.BANK_ZONE) == date(2026, 11, 24)
