"""What holds for every valuation and every loan, whatever the figures."""

from datetime import UTC, date, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from finance.collateral import model as valuing
from finance.collateral.model import Collateral, Price
from finance.ledger.model import debit_total_fen, net_by_account
from finance.loans import entries, model
from finance.loans.model import Loan
from finance.messages import LendingRule
from finance.receipts.model import LotEvidence, SeenUnit
from kernel.money import interest_act_360_fen

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
DRAWN = date(2026, 1, 1)
RULE = LendingRule()

ages = st.dictionaries(st.sampled_from(["tag", "mass", "position", "sight"]), st.integers(0, 400), max_size=4)


NAMES = [f"unit-{nth:02}" for nth in range(20)]
seen_units = st.builds(
    lambda aged, book_each: SeenUnit(
        modalities={kind: NOW - timedelta(hours=age) for kind, age in aged.items()}, book_each=book_each
    ),
    ages,
    st.integers(0, 1_200),
)


@st.composite
def evidences(draw: st.DrawFn) -> LotEvidence:
    low, mid, high = sorted(draw(st.tuples(*[st.integers(0, 30)] * 3)))
    return LotEvidence(
        lot_id="lot",
        site_id="site",
        book_units=draw(st.integers(0, 30)),
        units_low=low,
        units_mid=mid,
        units_high=high,
        modalities={},
        as_of=NOW,
        units=draw(st.dictionaries(st.sampled_from(NAMES), seen_units)),
    )


@st.composite
def goods(draw: st.DrawFn) -> Collateral:
    pieces = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 1_000), min_size=1)
    return Collateral(
        pledge_id="pledge",
        receipt_id="receipt",
        lot_id="lot",
        sku="SKU",
        quantities_each=draw(pieces),
        lien_fen=draw(st.integers(0, 10**6)),
    )


prices = st.integers(1, 10**6).map(
    lambda fen: Price(sku="SKU", price_fen_each=fen, source="Exchange", quoted_at=NOW)
)


@settings(deadline=None)
@given(goods(), evidences(), prices)
def test_never_more_is_lent_than_the_seen_part_of_the_book_is_worth(
    pledged: Collateral, evidence: LotEvidence, price: Price
) -> None:
    value = valuing.value_pledge(pledged, evidence, price, RULE, NOW)
    here = evidence.here(pledged.quantities_each)
    counted = min(len(here), evidence.units_low)
    assert 0 <= value.verified_low <= counted
    pieces = sorted(min(pledged.quantities_each[unit_id], unit.book_each) for unit_id, unit in here.items())
    dearest = sum(pieces[-counted:] if counted else []) * price.price_fen_each
    assert 0 <= value.lendable_fen <= value.adjusted_fen <= value.value_fen <= dearest


@settings(deadline=None)
@given(goods(), evidences(), prices, st.lists(st.integers(0, 400), min_size=2, max_size=6))
def test_time_alone_never_raises_the_lendable_amount(
    pledged: Collateral, evidence: LotEvidence, price: Price, hours: list[int]
) -> None:
    lendable = [
        valuing.value_pledge(pledged, evidence, price, RULE, NOW + timedelta(hours=after)).lendable_fen
        for after in sorted(hours)
    ]
    assert lendable == sorted(lendable, reverse=True)


@settings(deadline=None)
@given(goods(), evidences(), prices, st.integers(0, 30))
def test_seeing_fewer_units_never_lends_more(
    pledged: Collateral, evidence: LotEvidence, price: Price, low: int
) -> None:
    less = msgspec.structs.replace(evidence, units_low=min(low, evidence.units_low))
    assert (
        valuing.value_pledge(pledged, less, price, RULE, NOW).lendable_fen
        <= valuing.value_pledge(pledged, evidence, price, RULE, NOW).lendable_fen
    )


@settings(deadline=None)
@given(goods(), evidences(), prices, st.integers(0, 20))
def test_two_parts_of_a_lot_are_never_worth_more_than_the_whole(
    pledged: Collateral, evidence: LotEvidence, price: Price, cut: int
) -> None:
    free = msgspec.structs.replace(pledged, lien_fen=0)
    unit_ids = sorted(pledged.quantities_each)
    parts = [
        msgspec.structs.replace(free, quantities_each={name: pledged.quantities_each[name] for name in part})
        for part in (unit_ids[:cut], unit_ids[cut:])
    ]
    counted = [valuing.value_pledge(part, evidence, price, RULE, NOW).verified_low for part in parts]
    whole = valuing.value_pledge(free, evidence, price, RULE, NOW)
    assert sum(counted) <= whole.verified_low <= evidence.units_low


rates = st.integers(1, 360_000).map(lambda millionths: f"{millionths / 1_000_000:.6f}")
moves = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 60)), st.tuples(st.just("pay"), st.integers(1, 10**9))
    ),
    max_size=12,
)


def a_loan(principal_fen: int, rate: str) -> Loan:
    return Loan(
        loan_id="loan",
        facility_id="facility",
        bank_party_id="bank",
        drawdown_id="drawdown",
        principal_fen=principal_fen,
        outstanding_fen=principal_fen,
        interest_fen=0,
        product_fen_days=0,
        accrued_fen=0,
        currency="CNY",
        rate=rate,
        drawn_on=DRAWN,
        accrued_through=DRAWN,
        maturity_on=DRAWN + timedelta(days=720),
        state="active",
    )


@settings(deadline=None)
@given(st.integers(1, 10**12), rates, st.lists(st.integers(1, 40), max_size=12))
def test_accruing_in_any_steps_earns_what_one_step_earns(
    principal_fen: int, rate: str, steps: list[int]
) -> None:
    loan, day = a_loan(principal_fen, rate), DRAWN
    for days in steps:
        day += timedelta(days=days)
        loan = model.accrue(loan, day)
    assert loan.interest_fen == interest_act_360_fen(principal_fen, rate, DRAWN, day)


@settings(deadline=None)
@given(st.integers(1, 10**9), rates, moves)
def test_the_books_follow_every_loan_to_the_fen(
    principal_fen: int, rate: str, steps: list[tuple[str, int]]
) -> None:
    loan, day = a_loan(principal_fen, rate), DRAWN
    drafts = [entries.drawdown(loan)]
    for kind, size in steps:
        if kind == "wait":
            day += timedelta(days=size)
            after = model.accrue(loan, day)
            drafts += entries.accruals([(loan, after)])
        elif loan.debt_fen == 0:
            continue
        else:
            after, paid = model.repay(loan, min(size, loan.debt_fen))
            drafts.append(entries.repayment(after, paid, day, len(drafts)))
        loan = after
        assert 0 <= loan.interest_fen <= loan.accrued_fen
        assert 0 <= loan.outstanding_fen <= principal_fen
    assert all(debit_total_fen(draft.postings) > 0 for draft in drafts)
    net = net_by_account([posting for draft in drafts for posting in draft.postings])
    assert sum(net.values()) == 0
    assert net["facility:loan_principal"] == loan.outstanding_fen
    assert net.get("facility:interest_receivable", 0) == loan.interest_fen
    assert (loan.state == "repaid") == (loan.debt_fen == 0)
