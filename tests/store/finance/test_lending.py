"""From goods that arrive to money that is drawn, on a real PostgreSQL and what the twin itself folds."""

from datetime import timedelta
from itertools import count

import pytest

from finance.api import audit, close_business_days, pledge_statuses
from finance.messages import (
    ApproveDrawdown,
    CancelReceipt,
    OpenFacility,
    PledgeReceipt,
    ProposeDrawdown,
    RefuseDrawdown,
    ReleasePledge,
    RepayLoan,
    ReverseRepayment,
    RunDayEnd,
    SetPrice,
)
from finance.receipts.views import receipt_list, receipt_view
from finance.standing.views import facility_detail, facility_list
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.gs1 import make_sscc
from tests.store.finance.conftest import (
    BANK,
    EACH,
    KEEPER,
    OTHER_BANK,
    OTHER_OWNER,
    OWNER,
    PALLET_G,
    PREFIX,
    SKU,
    SLOTS,
    Lot,
    SecondSite,
    Story,
)
from wms.messages import AdjustStock, DeclareOpeningStock, DeliveryUnit, OpeningRow

GRAI = "3315A537C80000400000{:04X}"
"""The tag of a pallet itself, by its number: GRAI-96 of TDS, `6901234.00001.n`."""
VALUE_FEN = 12 * EACH * 12_345
LENDABLE_FEN = VALUE_FEN * 7 // 10


async def audited(story: Story) -> None:
    for journal in await audit(story.tx):
        assert journal.findings == []


def due(story: Story, days: int = 90):
    return (story.clock.now() + timedelta(days=days)).date()


async def drawn(story: Story, facility_id: str, amount_fen: int) -> str:
    """A loan, proposed by one and approved by another; returns its id."""
    proposed = await story.do(
        ProposeDrawdown(facility_id=facility_id, amount_fen=amount_fen, maturity_on=due(story)),
        BANK,
        "officer-a",
    )
    loan = await story.do(ApproveDrawdown(drawdown_id=proposed.drawdown_id), BANK, "approver-a")
    return str(loan.loan_id)


async def pledge_of(story: Story, receipt_id: str) -> str:
    return str(
        await story.tx.value(
            "SELECT pledge_id FROM finance.pledge WHERE receipt_id = %(id)s AND released_at IS NULL",
            {"id": receipt_id},
        )
    )


async def test_a_receipt_states_what_was_seen_and_weighed(story: Story) -> None:
    lot = await story.receive()
    receipt_id = await story.receipt(lot)
    view = await story.read(KEEPER, lambda read: receipt_view(read, receipt_id), "keeper")
    assert (view.number, view.state, view.controller_party_id) == ("keeper-k-000001", "issued", OWNER)
    assert (view.quantity_each, view.mass_g) == (12 * EACH, 12 * PALLET_G)
    assert sorted(view.unit_ids) == sorted(lot.unit_ids)
    assert view.goods == "大米25公斤 / Rice, 25 kg", "the item by its name where the keeper states none"
    assert view.verified is not None
    assert view.verified.low == 12
    assert set(view.verified.modalities) == {"tag", "mass", "position"}
    assert [step.kind for step in view.history] == ["issued"]
    await audited(story)


async def test_receipt_numbers_of_a_keeper_have_no_gaps_though_some_are_refused(story: Story) -> None:
    first, second = await story.receive(3), await story.receive(3)
    await story.receipt(first)
    with pytest.raises(Conflict):
        await story.receipt(first)
    await story.receipt(second)
    rows = await story.tx.rows("SELECT number FROM finance.receipt ORDER BY number")
    assert [row["number"] for row in rows] == [1, 2]


async def test_no_receipt_covers_stock_that_is_only_in_the_books(story: Story) -> None:
    row = OpeningRow(
        sscc=make_sscc(PREFIX, 1, 1),
        sku=SKU,
        lot="OPENING",
        quantity_each=EACH,
        mass_g=PALLET_G,
        slot_id=SLOTS[-1].slot_id,
        owner_party_id=OWNER,
    )
    await story.do(DeclareOpeningStock(site_id=story.site_id, rows=(row,)), KEEPER)
    lot_id = await story.tx.value("SELECT lot_id FROM wms.lot WHERE code = 'OPENING'")
    with pytest.raises(Conflict) as refused:
        await story.receipt(Lot(lot_id=lot_id, pallets=()))
    assert (refused.value.key, refused.value.facts["unseen_count"]) == ("receipts.units_not_seen", 1)


async def test_a_short_delivery_carries_a_receipt_on_what_came_and_no_more(story: Story) -> None:
    lot = await story.receive(12, seen=9)
    low = (await story.verified(lot)).unit_count_low
    assert 8 <= low <= 9
    with pytest.raises(Invalid) as refused:
        await story.receipt(lot, lot.unit_ids[8:])
    assert refused.value.key == "receipts.units_not_in_lot"
    assert refused.value.facts["unit_ids"] == list(lot.unit_ids[9:])
    await story.receipt(lot, lot.unit_ids[:low])


async def test_no_receipt_covers_pallets_that_are_lighter_than_announced(story: Story) -> None:
    lot = await story.receive(12, pallet_g=PALLET_G * 4 // 5)
    with pytest.raises(Conflict) as refused:
        await story.receipt(lot)
    assert refused.value.key == "receipts.not_weighed"


async def test_no_receipt_covers_goods_that_no_weighbridge_has_weighed(story: Story) -> None:
    lot = await story.receive(3, weighed=False)
    with pytest.raises(Conflict) as refused:
        await story.receipt(lot)
    assert refused.value.key == "receipts.not_weighed"


async def test_a_second_receipt_on_the_same_pallets_is_refused_by_name(story: Story) -> None:
    lot = await story.receive()
    await story.receipt(lot, lot.unit_ids[:6])
    with pytest.raises(Conflict) as refused:
        await story.receipt(lot, lot.unit_ids[5:7])
    assert refused.value.key == "receipts.units_under_receipt"
    assert refused.value.facts["unit_ids"] == [lot.unit_ids[5]]


async def test_the_same_pallets_at_a_second_site_are_under_no_second_receipt(story: Story) -> None:
    lot = await story.receive(3)
    first = await story.receipt(lot)
    second = SecondSite(story.tx, story.clock)
    await second.build()
    with pytest.raises(Conflict, match=r"stock\.code_taken"):
        await second.receive(3)
    for unit_id in lot.unit_ids:
        await story.do(AdjustStock(unit_id=unit_id, counted_each=0, reason="Not found"), KEEPER)
    second = SecondSite(story.tx, story.clock)
    again = await second.receive(3)
    assert [pallet.epc_hex for pallet in again.pallets] == [pallet.epc_hex for pallet in lot.pallets]
    with pytest.raises(Conflict, match=r"receipts\.ssccs_under_receipt") as refused:
        await second.receipt(again)
    assert refused.value.facts == {"ssccs": [make_sscc(PREFIX, 0, number) for number in (1, 2, 3)]}
    await story.do(CancelReceipt(receipt_id=first, reason="They stand at the other site"), KEEPER)
    await second.receipt(again)
    await audited(story)


async def test_the_same_tags_under_other_labels_are_under_no_second_receipt(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tags of the pallets themselves (GRAI), which say no SSCC: the keeper prints other labels."""

    def labelled(series: int) -> None:
        numbers = count(1)

        def announced(self: Story) -> DeliveryUnit:
            self._pallets += 1
            number = next(numbers)
            return DeliveryUnit(
                sscc=make_sscc(PREFIX, 0, series + number),
                epc_hex=GRAI.format(number),
                quantity_each=EACH,
                expected_mass_g=PALLET_G,
            )

        monkeypatch.setattr(Story, "_announced", announced)

    labelled(100)
    lot = await story.receive(3)
    first = await story.receipt(lot)
    for unit_id in lot.unit_ids:
        await story.do(AdjustStock(unit_id=unit_id, counted_each=0, reason="Not found"), KEEPER)
    second = SecondSite(story.tx, story.clock)
    await second.build()
    labelled(200)
    again = await second.receive(3)
    with pytest.raises(Conflict, match=r"receipts\.tags_under_receipt") as refused:
        await second.receipt(again)
    assert refused.value.facts == {"epcs": [GRAI.format(number) for number in (1, 2, 3)]}
    await story.do(CancelReceipt(receipt_id=first, reason="They stand at the other site"), KEEPER)
    await second.receipt(again)


async def test_only_the_sites_keeper_issues_and_only_to_the_owner(story: Story) -> None:
    lot = await story.receive(3)
    for party_id in (OWNER, BANK):
        with pytest.raises(NotFound, match=r"receipts\.lot_unknown"):
            await story.do(story.issue(lot), party_id)
    with pytest.raises(Conflict, match=r"receipts\.not_the_owner"):
        await story.receipt(lot, depositor_party_id=OTHER_OWNER)


async def test_a_withdrawn_receipt_frees_its_pallets(story: Story) -> None:
    lot = await story.receive(3)
    receipt_id = await story.receipt(lot)
    with pytest.raises(NotFound):
        await story.do(CancelReceipt(receipt_id=receipt_id, reason="Wrong term"), OTHER_OWNER)
    await story.do(CancelReceipt(receipt_id=receipt_id, reason="Wrong term"), KEEPER)
    await story.receipt(lot)
    await audited(story)


async def test_a_pledge_holds_the_pallets_and_lets_the_bank_see_them(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    receipt_id = await story.receipt(lot)

    def marks(read):
        return pledge_statuses(read, lot.unit_ids)

    assert await story.read(BANK, lambda read: receipt_list(read, None, 10), "officer") == []
    assert await story.read(BANK, marks, "officer") == {}
    await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id), OWNER)
    (view,) = await story.read(BANK, lambda read: receipt_list(read, None, 10), "officer")
    assert (view.state, view.controller_party_id) == ("pledged", BANK)
    assert set(await story.read(BANK, marks, "officer")) == set(lot.unit_ids)
    assert set(await story.read(OWNER, marks, "borrower")) == set(lot.unit_ids)
    assert await story.read(KEEPER, marks, "operator") == {}
    assert await story.read(OTHER_BANK, marks, "officer") == {}
    held = await story.tx.rows(
        "SELECT DISTINCT reason_code FROM wms.hold WHERE lifted_at IS NULL AND holder_ref = %(pledge)s",
        {"pledge": await pledge_of(story, receipt_id)},
    )
    assert [row["reason_code"] for row in held] == ["third_party"], "the floor does not read why"
    await audited(story)


async def test_a_receipt_is_pledged_once_and_only_by_its_controller(story: Story) -> None:
    lot, facility_id = await story.receive(3), await story.facility()
    receipt_id = await story.receipt(lot)
    pledge = PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id)
    for party_id in (OTHER_OWNER, KEEPER, BANK):
        with pytest.raises(NotFound):
            await story.do(pledge, party_id)
    other = await story.facility(owner=OTHER_OWNER)
    with pytest.raises(NotFound, match=r"receipts\.unknown"):
        await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=other), OTHER_OWNER)
    await story.do(pledge, OWNER)
    with pytest.raises(Conflict, match=r"pledge\.already_pledged"):
        await story.do(pledge, OWNER)
    second = await story.facility(bank=OTHER_BANK)
    with pytest.raises(Conflict, match=r"pledge\.already_pledged"):
        await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=second), OWNER)


async def test_goods_without_a_price_are_no_collateral(story: Story) -> None:
    lot = await story.receive(3)
    receipt_id = await story.receipt(lot)
    opened = await story.do(
        OpenFacility(borrower_party_id=OWNER, site_id=story.site_id, limit_fen=1_000, rate="0.0435"), BANK
    )
    with pytest.raises(Conflict, match=r"pledge\.no_price"):
        await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=opened.facility_id), OWNER)


async def test_the_facility_explains_what_it_lends(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    for party_id, role in ((BANK, "officer"), (OWNER, "borrower")):
        view = await story.read(party_id, lambda read: facility_detail(read, facility_id), role)
        assert view.lendable_fen == view.available_fen == LENDABLE_FEN
        why = view.lendable_explained
        assert (why.book_units, why.verified_low, why.unit_value_fen) == (12, 12, EACH * 12_345)
        assert (why.modality_factor, why.freshness_factor, why.advance_rate) == ("1", "1", "0.70")
        assert sorted(why.modalities) == ["mass", "position", "tag"]
        assert len(view.receipts) == len(why.parts) == 1
    with pytest.raises(NotFound):
        await story.read(OTHER_BANK, lambda read: facility_detail(read, facility_id), "officer")
    assert await story.read(OTHER_BANK, lambda read: facility_list(read, None, 10), "officer") == []


async def test_money_is_drawn_by_two_people_and_booked_in_two_lines(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    loan_id = await drawn(story, facility_id, 3_000_000)
    lines = await story.tx.rows(
        "SELECT p.account_id, p.amount_fen FROM finance.posting p JOIN finance.entry e USING (entry_id)"
        " WHERE e.loan_id = %(loan)s ORDER BY p.line",
        {"loan": loan_id},
    )
    assert [(row["account_id"], row["amount_fen"]) for row in lines] == [
        (f"{facility_id}:loan_principal", 3_000_000),
        ("bank-a:settlement:CNY", -3_000_000),
    ]
    view = await story.read(BANK, lambda read: facility_detail(read, facility_id), "officer")
    assert (view.drawn_fen, view.available_fen) == (3_000_000, LENDABLE_FEN - 3_000_000)
    await audited(story)


async def test_not_one_fen_above_the_lendable_amount_is_drawn(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    with pytest.raises(Conflict) as refused:
        await drawn(story, facility_id, LENDABLE_FEN + 1)
    assert (refused.value.key, refused.value.facts["available_fen"]) == (
        "drawdown.above_lendable",
        LENDABLE_FEN,
    )
    await drawn(story, facility_id, LENDABLE_FEN)


async def test_the_limit_binds_when_the_stock_is_worth_more(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility(limit_fen=1_000_000)
    await story.pledged(lot, facility_id)
    with pytest.raises(Conflict) as refused:
        await drawn(story, facility_id, 1_000_001)
    assert refused.value.facts["available_fen"] == 1_000_000


async def test_two_proposals_do_not_draw_the_same_room_twice(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    propose = ProposeDrawdown(facility_id=facility_id, amount_fen=LENDABLE_FEN, maturity_on=due(story))
    first = await story.do(propose, BANK, "officer-a")
    second = await story.do(propose, OWNER, "borrower-o")
    await story.do(ApproveDrawdown(drawdown_id=second.drawdown_id), BANK, "approver-a")
    with pytest.raises(Conflict, match=r"drawdown\.above_lendable"):
        await story.do(ApproveDrawdown(drawdown_id=first.drawdown_id), BANK, "approver-a")
    await story.do(RefuseDrawdown(drawdown_id=first.drawdown_id, reason="No room"), BANK, "approver-a")
    with pytest.raises(Conflict, match=r"drawdown\.decided"):
        await story.do(ApproveDrawdown(drawdown_id=first.drawdown_id), BANK, "approver-a")


async def test_nobody_approves_their_own_drawdown_nor_another_banks(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    propose = ProposeDrawdown(facility_id=facility_id, amount_fen=1, maturity_on=due(story))
    proposed = await story.do(propose, BANK, "officer-a")
    with pytest.raises(Forbidden, match=r"drawdown\.own_proposal"):
        await story.do(ApproveDrawdown(drawdown_id=proposed.drawdown_id), BANK, "officer-a")
    for party_id in (OTHER_BANK, OWNER):
        with pytest.raises(NotFound):
            await story.do(ApproveDrawdown(drawdown_id=proposed.drawdown_id), party_id, "someone")
    with pytest.raises(NotFound):
        await story.do(propose, OTHER_OWNER)


@pytest.mark.parametrize(("amount_fen", "currency"), [(0, "CNY"), (-5, "CNY"), (2**53, "CNY"), (5, "USD")])
async def test_absurd_money_is_refused(story: Story, amount_fen: int, currency: str) -> None:
    facility_id = await story.facility()
    command = ProposeDrawdown(
        facility_id=facility_id, amount_fen=amount_fen, maturity_on=due(story), currency=currency
    )
    with pytest.raises(Invalid, match=r"money\."):
        await story.do(command, BANK)


async def test_old_evidence_lends_less_and_draws_nothing(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    story.clock.advance(96 * 3600)
    view = await story.read(BANK, lambda read: facility_detail(read, facility_id), "officer")
    assert 0 < view.lendable_fen <= LENDABLE_FEN * 51 // 100
    with pytest.raises(Conflict, match=r"drawdown\.evidence_stale"):
        await drawn(story, facility_id, 1)
    story.clock.advance(200 * 3600)
    view = await story.read(BANK, lambda read: facility_detail(read, facility_id), "officer")
    assert view.lendable_fen == 0


async def test_a_lower_price_calls_for_margin_at_once(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    await drawn(story, facility_id, LENDABLE_FEN)
    story.clock.advance(60)
    price = SetPrice(sku=SKU, price_fen_each=10_500, source="Exchange", quoted_at=story.clock.now())
    await story.do(price, BANK)
    view = await story.read(BANK, lambda read: facility_detail(read, facility_id), "officer")
    assert (view.margin.state, view.available_fen) == ("call", 0)
    assert view.margin.shortfall_fen == LENDABLE_FEN - 12 * EACH * 10_500 * 7 // 10
    assert view.history[0].kind == "revalued"
    assert view.history[0].facts["margin_state"] == "call"


async def test_interest_is_paid_before_principal_and_more_than_the_debt_is_refused(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    loan_id = await drawn(story, facility_id, 3_600_000)
    story.clock.advance(30 * 86_400)
    interest_fen = 3_600_000 * 30 * 435 // (360 * 10_000)
    with pytest.raises(Conflict) as refused:
        await story.do(RepayLoan(loan_id=loan_id, amount_fen=3_600_000 + interest_fen + 1), BANK)
    assert refused.value.facts["debt_fen"] == 3_600_000 + interest_fen
    part = await story.do(RepayLoan(loan_id=loan_id, amount_fen=interest_fen + 600_000), BANK)
    assert (part.outstanding_fen, part.interest_fen, part.state) == (3_000_000, 0, "active")
    full = await story.do(RepayLoan(loan_id=loan_id, amount_fen=3_000_000), BANK)
    assert full.state == "repaid"
    with pytest.raises(Conflict, match=r"loan\.repaid"):
        await story.do(RepayLoan(loan_id=loan_id, amount_fen=1), BANK)
    with pytest.raises(NotFound):
        await story.do(RepayLoan(loan_id=loan_id, amount_fen=1), OTHER_BANK)
    await audited(story)


async def test_a_borrower_does_not_write_off_its_own_debt(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    loan_id = await drawn(story, facility_id, 1_000_000)
    with pytest.raises(NotFound, match=r"loan\.unknown"):
        await story.do(RepayLoan(loan_id=loan_id, amount_fen=1_000_000), OWNER)
    view = await story.read(BANK, lambda read: facility_detail(read, facility_id), "officer")
    assert [(loan.outstanding_fen, loan.state) for loan in view.loans] == [(1_000_000, "active")]


async def test_a_repayment_that_did_not_arrive_is_undone_by_a_reversing_entry(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    loan_id = await drawn(story, facility_id, 3_600_000)
    story.clock.advance(10 * 86_400)
    paid = await story.do(RepayLoan(loan_id=loan_id, amount_fen=1_000_000), BANK)
    undo = ReverseRepayment(loan_id=loan_id, entry_id=paid.entry_id, reason="Cheque returned")
    with pytest.raises(NotFound):
        await story.do(undo, OWNER)
    undone = await story.do(undo, BANK)
    assert (undone.outstanding_fen, undone.interest_fen) == (3_600_000, 3_600_000 * 10 * 435 // 3_600_000)
    with pytest.raises(Conflict, match=r"loan\.not_last_repayment"):
        await story.do(undo, BANK)
    await audited(story)


async def test_a_pledge_is_released_only_when_the_debt_allows(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    receipt_id = await story.pledged(lot, facility_id)
    loan_id = await drawn(story, facility_id, 1_000_000)
    release = ReleasePledge(pledge_id=await pledge_of(story, receipt_id))
    with pytest.raises(Conflict) as refused:
        await story.do(release, BANK)
    assert (refused.value.key, refused.value.facts["gap_fen"]) == ("pledge.debt_not_covered", 1_000_000)
    await story.do(RepayLoan(loan_id=loan_id, amount_fen=1_000_000), BANK)
    with pytest.raises(NotFound):
        await story.do(release, OTHER_BANK)
    await story.do(release, BANK)
    assert await _held(story, lot) == 0
    view = await story.read(OWNER, lambda read: receipt_view(read, receipt_id), "borrower")
    assert (view.state, view.controller_party_id, view.pledge) == ("issued", OWNER, None)
    assert [step.kind for step in view.history] == ["issued", "pledged", "released"]
    with pytest.raises(Conflict, match=r"pledge\.released"):
        await story.do(release, BANK)
    await audited(story)


async def _held(story: Story, lot: Lot) -> int:
    return int(
        await story.tx.value(
            "SELECT count(*) FROM wms.balance"
            " WHERE lot_id = %(lot)s AND hold_id IS NOT NULL AND quantity_each > 0",
            {"lot": lot.lot_id},
        )
    )


async def test_a_second_pledge_covers_for_the_first(story: Story) -> None:
    first, second = await story.receive(), await story.receive()
    facility_id = await story.facility()
    receipt_id = await story.pledged(first, facility_id)
    await drawn(story, facility_id, LENDABLE_FEN)
    await story.pledged(second, facility_id)
    await story.do(ReleasePledge(pledge_id=await pledge_of(story, receipt_id)), BANK)
    view = await story.read(BANK, lambda read: facility_detail(read, facility_id), "officer")
    assert (view.lendable_fen, view.margin.shortfall_fen) == (LENDABLE_FEN, 0)


async def test_the_day_end_accrues_once_for_each_date_that_is_over(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    await drawn(story, facility_id, 3_600_000)
    today = story.clock.now().date()
    close = RunDayEnd(bank_party_id=BANK, business_date=today)
    with pytest.raises(Conflict, match=r"day_end\.not_over"):
        await story.do(close, BANK)
    story.clock.advance(86_400)
    closed = await story.do(close, "product", "product:work")
    assert (closed.closed, closed.loans, closed.accrued_fen) == (True, 1, 435)
    again = await story.do(close, "product", "product:work")
    assert (again.closed, again.accrued_fen) == (False, 0)
    with pytest.raises(Conflict, match=r"day_end\.out_of_order"):
        await story.do(RunDayEnd(bank_party_id=BANK, business_date=today + timedelta(days=5)), BANK)
    with pytest.raises(NotFound):
        await story.do(close, OTHER_BANK)
    await audited(story)


async def test_the_clock_closes_the_days_missed_one_per_call(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    await drawn(story, facility_id, 3_600_000)
    story.clock.advance(3 * 86_400)
    accrued = []
    for _ in range(5):
        work = await story.as_("product", "product:finance.close-business-days")
        await close_business_days(work)
        accrued.append(await story.tx.value("SELECT sum(interest_fen)::bigint FROM finance.loan"))
    assert accrued == [435, 870, 1_305, 1_305, 1_305]
    await audited(story)
