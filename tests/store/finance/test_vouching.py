"""A bank's money rests on devices that this bank looked at, whatever other banks accepted."""

import pytest

from devices.messages import DistrustDevice, RetireDevice
from finance.messages import (
    ApproveDrawdown,
    ApproveThaw,
    FreezeFacility,
    PledgeReceipt,
    ProposeDrawdown,
    ProposeThaw,
)
from finance.standing.views import FacilityDetailView, facility_detail
from kernel.errors import Conflict
from tests.store.finance.conftest import BANK, DEVICES, KEEPER, OTHER_BANK, OWNER, UNINVITED_BANK, Story
from tests.store.finance.test_lending import drawn, due

NOT_ACCEPTED = r"facility\.devices_not_accepted"
READER = "gate-1-reader"


async def a_colluder_vouches(story: Story, device_id: str = READER) -> None:
    """The keeper enrols a device anew, and the other bank alone accepts it."""
    await story.enrol(device_id)
    await story.accept(device_id, OTHER_BANK)


async def page(story: Story, facility_id: str, party_id: str = BANK) -> FacilityDetailView:
    shown: FacilityDetailView = await story.read(
        party_id, lambda read: facility_detail(read, facility_id), "officer"
    )
    return shown


async def proposed(story: Story, facility_id: str) -> str:
    drawdown = ProposeDrawdown(facility_id=facility_id, amount_fen=100_000, maturity_on=due(story))
    return str((await story.do(drawdown, BANK, "officer-a")).drawdown_id)


async def test_no_drawdown_is_proposed_or_approved_on_a_device_that_only_another_bank_accepted(
    story: Story,
) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    waiting = await proposed(story, facility_id)
    await a_colluder_vouches(story)
    with pytest.raises(Conflict, match=NOT_ACCEPTED) as refused:
        await proposed(story, facility_id)
    assert refused.value.facts["device_ids"] == [READER]
    assert refused.value.facts["accepted_by"] == [OTHER_BANK.title()]
    with pytest.raises(Conflict, match=NOT_ACCEPTED):
        await story.do(ApproveDrawdown(drawdown_id=waiting), BANK, "approver-a")
    await story.accept(READER)
    await story.do(ApproveDrawdown(drawdown_id=waiting), BANK, "approver-a")


async def test_no_receipt_is_pledged_to_a_bank_that_has_not_looked_and_its_borrower_reads_which_devices(
    story: Story,
) -> None:
    lot, facility_id = await story.receive(3), await story.facility()
    receipt_id = await story.receipt(lot)
    await a_colluder_vouches(story)
    with pytest.raises(Conflict, match=r"facility\.devices_not_looked_at") as refused:
        await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id), OWNER)
    assert refused.value.facts["device_ids"] == [READER]
    assert OTHER_BANK.title() not in str(refused.value), "which banks there are is no borrower's business"
    theirs = await story.facility(bank=OTHER_BANK)
    await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=theirs), OWNER)


async def test_no_thaw_is_approved_on_a_device_that_only_another_bank_accepted(story: Story) -> None:
    facility_id = await story.facility()
    await story.do(FreezeFacility(facility_id=facility_id, reason="A look."), BANK, "officer-a")
    thaw = await story.do(
        ProposeThaw(facility_id=facility_id, reason="Nothing is pledged.", evidence_ids=()), BANK, "officer-a"
    )
    await a_colluder_vouches(story)
    approve = ApproveThaw(thaw_id=thaw.thaw_id)
    with pytest.raises(Conflict, match=NOT_ACCEPTED):
        await story.do(approve, BANK, "approver-a")
    await story.accept(READER)
    await story.do(approve, BANK, "approver-a")


async def test_a_device_that_nobody_vouches_for_or_that_is_retired_stops_no_money_by_this_rule(
    story: Story,
) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    await story.enrol("forklift-1")
    await drawn(story, facility_id, 100_000)
    await story.accept("forklift-1", OTHER_BANK)
    with pytest.raises(Conflict, match=NOT_ACCEPTED):
        await proposed(story, facility_id)
    await story.do(RetireDevice(device_id="forklift-1"), KEEPER)
    await drawn(story, facility_id, 100_000)


async def test_the_facilitys_page_says_when_and_why_the_banks_acceptance_ended(story: Story) -> None:
    facility_id = await story.facility()
    assert (await page(story, facility_id)).unvouched == []
    await story.enrol("forklift-1")
    await a_colluder_vouches(story)
    distrust = DistrustDevice(device_id="weighbridge-1", reason="The seal is broken")
    await story.do(distrust, BANK)
    shown = await page(story, facility_id)
    assert shown.unvouched is not None
    assert [
        (device.device_id, device.is_evidence, device.accepted_by, device.end_cause)
        for device in shown.unvouched
    ] == [
        ("forklift-1", False, [], "enrolled"),
        (READER, True, [OTHER_BANK.title()], "enrolled"),
        ("weighbridge-1", True, [OTHER_BANK.title()], "distrusted"),
    ]
    assert {device.ended_at for device in shown.unvouched} == {story.clock.now()}
    assert (await page(story, facility_id, OWNER)).unvouched is None


async def test_a_bank_that_nobody_invited_lends_on_no_device(story: Story) -> None:
    lot, facility_id = await story.receive(3), await story.facility(bank=UNINVITED_BANK)
    receipt_id = await story.receipt(lot)
    with pytest.raises(Conflict, match=r"facility\.devices_not_looked_at") as refused:
        await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id), OWNER)
    assert refused.value.facts["device_ids"] == sorted(DEVICES)
    assert (await page(story, facility_id, UNINVITED_BANK)).unvouched is None
