"""A receipt that was given back stays readable as it was while it was held, and not a step further."""

import pytest

from app.database import PgTx
from finance.messages import PledgeReceipt, ReleasePledge
from finance.receipts.views import ReceiptView, receipt_list, receipt_view
from kernel.errors import NotFound
from tests.store.finance.conftest import BANK, KEEPER, OTHER_BANK, OWNER, Lot, Story
from tests.store.finance.test_delivery import departed
from tests.store.finance.test_lending import audited, pledge_of

LEAKS = {
    "receipt": "SELECT count(*) FROM finance.receipt",
    "unit": "SELECT count(*) FROM finance.receipt_unit",
    "later step": "SELECT count(*) FROM finance.encumbrance WHERE step > 3",
    "pledge of another": """
        SELECT count(*) FROM finance.pledge WHERE bank_party_id <> identity.current_party()""",
    "evidence": "SELECT count(*) FROM finance.lot_evidence",
    "lot": "SELECT count(*) FROM twin.lot",
}


async def read(story: Story, party_id: str, receipt_id: str) -> ReceiptView:
    role = {KEEPER: "keeper", OWNER: "borrower"}.get(party_id, "officer")
    view: ReceiptView = await story.read(party_id, lambda tx: receipt_view(tx, receipt_id), role)
    return view


async def given_back(story: Story) -> tuple[Lot, str]:
    """A lot under a receipt that the bank held for an hour and has released."""
    lot, facility_id = await story.receive(3), await story.facility()
    receipt_id = await story.pledged(lot, facility_id)
    story.clock.advance(3_600)
    await story.do(ReleasePledge(pledge_id=await pledge_of(story, receipt_id)), BANK)
    return lot, receipt_id


async def leaks(story: Story, party_id: str) -> dict[str, int]:
    """Rows that the party can read which it should not, by what they are."""

    async def ask(tx: PgTx) -> dict[str, int]:
        return {what: await tx.value(sql) for what, sql in LEAKS.items()}

    found: dict[str, int] = await story.read(party_id, ask, "officer")
    return {what: count for what, count in found.items() if count}


async def test_a_bank_goes_on_reading_a_receipt_that_it_has_released(story: Story) -> None:
    lot, receipt_id = await given_back(story)
    released_at = story.clock.now()
    story.clock.advance(1)
    view = await read(story, BANK, receipt_id)
    assert (view.state, view.seen_until, view.closed_at) == ("released", released_at, None)
    assert [(step.kind, step.at) for step in view.history][-1] == ("released", released_at)
    assert [step.kind for step in view.history] == ["issued", "pledged", "released"]
    assert view.pledge is not None
    assert (view.pledge.bank_party_id, view.pledge.released_at) == (BANK, released_at)
    assert (released_at - view.pledge.pledged_at).total_seconds() == 3_600
    assert (view.unit_ids, view.live_units, view.verified) == (sorted(lot.unit_ids), 3, None)
    assert len({sscc for sscc in view.ssccs if len(sscc) == 18}) == 3
    assert await story.read(BANK, lambda tx: receipt_list(tx, None, 10), "officer") == [view]
    with pytest.raises(NotFound):
        await read(story, OTHER_BANK, receipt_id)


async def test_what_happens_to_it_afterwards_with_others_is_not_its_to_see(story: Story) -> None:
    lot, receipt_id = await given_back(story)
    other = await story.facility(bank=OTHER_BANK)
    await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=other), OWNER)
    story.clock.advance(1)
    before = await read(story, BANK, receipt_id)
    assert [step.kind for step in before.history] == ["issued", "pledged", "released"], (
        "the pledge to another bank was made at the very moment of the release"
    )
    assert (await read(story, OTHER_BANK, receipt_id)).state == "pledged"
    await story.do(ReleasePledge(pledge_id=await pledge_of(story, receipt_id)), OTHER_BANK)
    await story.tell(departed(story, lot, lot.unit_ids))
    story.clock.advance(86_400)
    assert await read(story, BANK, receipt_id) == before
    assert OTHER_BANK not in before.model_dump_json()
    assert await leaks(story, BANK) == {}
    assert (await read(story, OTHER_BANK, receipt_id)).history[-1].kind == "released"
    await audited(story)


async def test_a_bank_that_gets_it_again_sees_it_as_it_is(story: Story) -> None:
    lot, receipt_id = await given_back(story)
    story.clock.advance(60)
    await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=await story.facility()), OWNER)
    view = await read(story, BANK, receipt_id)
    assert (view.state, view.seen_until, view.controller_party_id) == ("pledged", None, BANK)
    assert view.verified is not None
    assert view.pledge is not None
    assert (view.pledge.released_at, view.pledge.pledge_id) == (None, await pledge_of(story, receipt_id))
    assert view.live_units == len(lot.unit_ids)


async def test_the_borrower_reads_its_receipt_to_the_end(story: Story) -> None:
    lot, receipt_id = await given_back(story)
    story.clock.advance(60)
    view = await read(story, OWNER, receipt_id)
    assert (view.state, view.seen_until, view.pledge) == ("issued", None, None)
    await story.tell(departed(story, lot, lot.unit_ids))
    for party_id in (OWNER, KEEPER):
        view = await read(story, party_id, receipt_id)
        assert (view.state, view.live_units) == ("cancelled", 0)
        assert view.closed_at == view.history[-1].at
        assert [step.kind for step in view.history] == [
            "issued",
            "pledged",
            "released",
            "unit_delivered",
            "cancelled",
        ]
        assert view.history[-1].facts["cause"] == "delivered"


async def test_steps_of_a_receipt_stand_one_after_another_even_within_one_moment(story: Story) -> None:
    lot, facility_id = await story.receive(3), await story.facility()
    receipt_id = await story.pledged(lot, facility_id)
    await story.do(ReleasePledge(pledge_id=await pledge_of(story, receipt_id)), BANK)
    moments = [step.at for step in (await read(story, KEEPER, receipt_id)).history]
    assert moments == sorted(set(moments))
