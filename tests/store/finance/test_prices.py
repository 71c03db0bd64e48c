"""Prices: what lends more takes two people, what lends less counts at once."""

import psycopg
import pytest

from finance.collateral.views import price_list
from finance.messages import ApprovePrice, OpenFacility, PledgeReceipt, RefusePrice, SetPrice
from finance.standing.views import facility_detail
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tests.store.finance.conftest import BANK, EACH, OTHER_BANK, OWNER, SKU, Story

LENDABLE_FEN = 12 * EACH * 12_345 * 7 // 10


def stated(story: Story, price_fen_each: int) -> SetPrice:
    return SetPrice(sku=SKU, price_fen_each=price_fen_each, source="Exchange", quoted_at=story.clock.now())


async def lendable_fen(story: Story, facility_id: str) -> int:
    view = await story.read(BANK, lambda read: facility_detail(read, facility_id), "officer")
    row = await story.tx.row(
        "SELECT lendable_fen FROM finance.facility WHERE facility_id = %(id)s", {"id": facility_id}
    )
    assert row == {"lendable_fen": view.lendable_fen}
    return view.lendable_fen


async def test_a_higher_price_lends_no_more_until_a_second_person_approves(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    story.clock.advance(60)
    higher = await story.do(stated(story, 1_234_500), BANK, "officer-a")
    assert (higher.state, await lendable_fen(story, facility_id)) == ("proposed", LENDABLE_FEN)
    with pytest.raises(Forbidden, match=r"price\.own_proposal"):
        await story.do(ApprovePrice(price_id=higher.price_id), BANK, "officer-a")
    with pytest.raises(NotFound):
        await story.do(ApprovePrice(price_id=higher.price_id), OTHER_BANK, "approver-b")
    assert await lendable_fen(story, facility_id) == LENDABLE_FEN
    approved = await story.do(ApprovePrice(price_id=higher.price_id), BANK, "approver-a")
    assert (approved.state, await lendable_fen(story, facility_id)) == ("in_force", LENDABLE_FEN * 100)
    with pytest.raises(Conflict, match=r"price\.in_force"):
        await story.do(ApprovePrice(price_id=higher.price_id), BANK, "approver-c")
    latest, first = await story.read(BANK, lambda read: price_list(read, None, 10), "officer")
    assert (latest.set_by, latest.approved_by, latest.state) == ("officer-a", "approver-a", "in_force")
    assert first.state == "in_force"


async def test_a_price_that_was_lowered_is_not_raised_back_by_one_person(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    for seconds, price_fen_each, state in ((60, 6_000, "in_force"), (60, 12_345, "proposed")):
        story.clock.advance(seconds)
        answer = await story.do(stated(story, price_fen_each), BANK, "officer-a")
        assert answer.state == state
        assert await lendable_fen(story, facility_id) == 12 * EACH * 6_000 * 7 // 10
    with pytest.raises(Conflict, match=r"price\.in_force"):
        await story.do(ApprovePrice(price_id=(await _first_price(story))), BANK, "approver-a")


async def _first_price(story: Story) -> str:
    return str(await story.tx.value("SELECT price_id FROM finance.price ORDER BY price_id LIMIT 1"))


async def test_nothing_is_pledged_on_a_first_price_that_nobody_approved(story: Story) -> None:
    receipt_id = await story.receipt(await story.receive(3))
    line = OpenFacility(borrower_party_id=OWNER, site_id=story.site_id, limit_fen=10_000_000, rate="0.0435")
    facility_id = (await story.do(line, BANK)).facility_id
    first = await story.do(stated(story, 12_345), BANK, "officer-a")
    pledge = PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id)
    with pytest.raises(Conflict, match=r"pledge\.no_price"):
        await story.do(pledge, OWNER)
    await story.do(ApprovePrice(price_id=first.price_id), BANK, "approver-a")
    await story.do(pledge, OWNER)


async def test_the_database_refuses_one_person_who_is_officer_and_approver(story: Story) -> None:
    higher = await story.do(stated(story, 1), BANK, "both-a")
    assert higher.state == "proposed"
    with pytest.raises(psycopg.errors.CheckViolation, match="price_by_two_people"):
        async with story.tx.savepoint():
            await story.tx.run(APPROVED, {"id": higher.price_id, "proposer": "both-a", "approver": "both-a"})
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        async with story.tx.savepoint():
            await story.tx.run(APPROVED, {"id": higher.price_id, "proposer": "other", "approver": "both-a"})


APPROVED = """
    INSERT INTO finance.price_approval (price_id, proposed_by, approved_by, approved_at)
    VALUES (%(id)s, %(proposer)s, %(approver)s, '2026-11-23T06:00Z')"""


async def test_a_refused_price_never_counts_and_says_who_refused_it_and_why(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    story.clock.advance(60)
    higher = await story.do(stated(story, 20_000), BANK, "officer-a")
    refuse = RefusePrice(price_id=higher.price_id, reason="The exchange quotes less.")
    with pytest.raises(NotFound):
        await story.do(refuse, OTHER_BANK, "approver-b")
    with pytest.raises(Invalid, match=r"facility\.reason"):
        await story.do(RefusePrice(price_id=higher.price_id, reason=" "), BANK, "approver-a")
    answer = await story.do(refuse, BANK, "approver-a")
    assert (answer.state, await lendable_fen(story, facility_id)) == ("refused", LENDABLE_FEN)
    for late in (refuse, ApprovePrice(price_id=higher.price_id)):
        with pytest.raises(Conflict, match=r"price\.refused"):
            await story.do(late, BANK, "approver-c")
    [view, _] = await story.read(BANK, lambda read: price_list(read, None, 10), "officer")
    assert (view.state, view.standing, view.refused_by) == ("refused", "refused", "approver-a")
    assert (view.refusal_reason, view.approved_by) == ("The exchange quotes less.", None)


async def test_whoever_proposed_a_price_may_take_it_back_and_nobody_refuses_one_in_force(
    story: Story,
) -> None:
    await story.price(12_345)
    story.clock.advance(60)
    higher = await story.do(stated(story, 20_000), BANK, "officer-a")
    taken_back = RefusePrice(price_id=higher.price_id, reason="A slip of the pen.")
    assert (await story.do(taken_back, BANK, "officer-a")).state == "refused"
    with pytest.raises(Conflict, match=r"price\.in_force"):
        await story.do(
            RefusePrice(price_id=await _first_price(story), reason="Too late."), BANK, "approver-a"
        )


async def test_the_database_refuses_a_second_decision_on_a_price(story: Story) -> None:
    higher = await story.do(stated(story, 1), BANK, "officer-a")
    await story.do(RefusePrice(price_id=higher.price_id, reason="Not so much."), BANK, "approver-a")
    decision = {"id": higher.price_id, "proposer": "officer-a", "approver": "approver-a"}
    with pytest.raises(psycopg.errors.RestrictViolation, match="is decided"):
        async with story.tx.savepoint():
            await story.tx.run(APPROVED, decision)


async def test_a_price_says_what_it_is_to_the_others_of_its_goods(story: Story) -> None:
    async def standings() -> list[tuple[int, str]]:
        prices = await story.read(BANK, lambda read: price_list(read, None, 10), "officer")
        return [(price.price_fen_each, price.standing) for price in prices]

    await story.price(12_345)
    story.clock.advance(60)
    first = await story.do(stated(story, 20_000), BANK, "officer-a")
    assert await standings() == [(20_000, "waiting"), (12_345, "counts")]
    story.clock.advance(60)
    await story.price(10_000)
    assert await standings() == [(10_000, "counts"), (20_000, "overtaken"), (12_345, "replaced")]
    await story.do(ApprovePrice(price_id=first.price_id), BANK, "approver-a")
    assert await standings() == [(10_000, "counts"), (20_000, "replaced"), (12_345, "replaced")]


async def test_a_quote_older_than_the_one_in_force_is_refused(story: Story) -> None:
    older = stated(story, 10_000)
    story.clock.advance(60)
    await story.price(12_345)
    with pytest.raises(Invalid, match=r"price\.quoted_before") as refused:
        await story.do(older, BANK, "officer-a")
    assert refused.value.facts == {"field": "quoted_at", "rule": "not before the quote in force"}
    assert (await story.do(stated(story, 10_000), BANK, "officer-a")).state == "in_force"


async def test_a_price_of_goods_that_nobody_entered_is_refused(story: Story) -> None:
    price = SetPrice(sku="RICE-52", price_fen_each=1, source="Exchange", quoted_at=story.clock.now())
    with pytest.raises(Invalid, match=r"price\.sku_unknown"):
        await story.do(price, BANK, "officer-a")
