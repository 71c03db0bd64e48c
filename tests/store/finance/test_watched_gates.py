"""No money is drawn while goods could leave unseen."""

import msgspec
import pytest

from devices.messages import DistrustDevice, EnrolDevice, RetireDevice
from devices.registry.clones import CloneSign, tell_clones
from finance.messages import ApproveDrawdown, ProposeDrawdown, ReleasePledge, RepayLoan
from kernel.errors import Conflict
from tests.store.finance.conftest import BANK, KEEPER, LAYOUT, OTHER_BANK, SECRET, Story
from tests.store.finance.test_lending import drawn, due, pledge_of
from twin.api import alarms
from twin.messages import ImportLayout

UNWATCHED = r"drawdown\.gate_unwatched"
READER_SILENCE_S = 900
"""Of an LLRP reader, by its manifest."""


@pytest.fixture
async def facility_id(story: Story) -> str:
    """A facility with twelve pledged pallets."""
    lot, opened = await story.receive(), await story.facility()
    await story.pledged(lot, opened)
    return opened


async def proposed(story: Story, facility_id: str) -> str:
    drawdown = ProposeDrawdown(facility_id=facility_id, amount_fen=100_000, maturity_on=due(story))
    return str((await story.do(drawdown, BANK, "officer-a")).drawdown_id)


@pytest.mark.parametrize("device_id", ["gate-1-reader", "gate-1-barrier", "weighbridge-1"])
async def test_no_money_is_drawn_while_what_watches_the_gate_is_out_of_service(
    story: Story, facility_id: str, device_id: str
) -> None:
    waiting = await proposed(story, facility_id)
    await story.do(RetireDevice(device_id=device_id), KEEPER)
    with pytest.raises(Conflict, match=UNWATCHED) as refused:
        await proposed(story, facility_id)
    assert refused.value.facts["gate_ids"] == ["gate-1"]
    assert refused.value.facts["mount_ids"] == [device_id]
    with pytest.raises(Conflict, match=UNWATCHED):
        await story.do(ApproveDrawdown(drawdown_id=waiting), BANK, "approver-a")


async def test_nothing_is_pledged_while_what_watches_the_gate_is_silent(story: Story) -> None:
    lot, opened = await story.receive(), await story.facility()
    story.silent.add("gate-1-barrier")
    story.clock.advance(READER_SILENCE_S + 1)
    with pytest.raises(Conflict, match=UNWATCHED):
        await story.pledged(lot, opened)


async def test_no_money_is_drawn_while_nobody_vouches_for_the_gates_reader(
    story: Story, facility_id: str
) -> None:
    for bank in (BANK, OTHER_BANK):
        await story.do(DistrustDevice(device_id="gate-1-reader", reason="The seal is broken"), bank)
    with pytest.raises(Conflict, match=UNWATCHED):
        await proposed(story, facility_id)


async def test_no_money_is_drawn_on_a_gate_whose_reader_was_copied_until_it_is_accepted_and_goods_were_seen(
    story: Story, facility_id: str
) -> None:
    await drawn(story, facility_id, 100_000)
    story.clock.advance(1)
    work = await story.as_("product", "product:edge")
    await tell_clones(work, [CloneSign(device_id="gate-1-reader", seen_at=story.clock.now())])
    await story.tell(*work.events)
    [alarm] = await alarms(await story.as_(BANK, "officer-a"), story.site_id, active_only=True)
    assert (alarm.kind, alarm.grade) == ("device_cloned", "check")
    with pytest.raises(Conflict, match=UNWATCHED) as refused:
        await proposed(story, facility_id)
    assert refused.value.facts["mount_ids"] == ["gate-1-reader"]
    story.clock.advance(60)
    await story.accept("gate-1-reader")
    with pytest.raises(Conflict, match=r"facility\.goods_unseen_since_acceptance"):
        await proposed(story, facility_id)


async def test_no_money_is_drawn_once_the_gates_reader_is_silent_for_longer_than_its_family_is(
    story: Story, facility_id: str
) -> None:
    story.silent.add("gate-1-reader")
    story.clock.advance(READER_SILENCE_S)
    await drawn(story, facility_id, 100_000)
    story.clock.advance(1)
    with pytest.raises(Conflict, match=UNWATCHED) as refused:
        await proposed(story, facility_id)
    assert refused.value.facts["mount_ids"] == ["gate-1-reader"]


async def test_a_gates_reader_of_a_family_that_seldom_speaks_is_silent_after_a_quarter_of_an_hour(
    story: Story, facility_id: str
) -> None:
    await story.do(RetireDevice(device_id="gate-1-reader"), KEEPER)
    mounts = [
        msgspec.structs.replace(mount, family="mqtt_reader") if mount.mount_id == "gate-1-reader" else mount
        for mount in LAYOUT.mounts
    ]
    await story.do(
        ImportLayout(layout=msgspec.structs.replace(LAYOUT, mounts=mounts), keeper_party_id=KEEPER), KEEPER
    )
    enrol = EnrolDevice(
        site_id=story.site_id,
        device_id="gate-1-mobile",
        family="mqtt_reader",
        mount_id="gate-1-reader",
        secret=SECRET,
    )
    await story.do(enrol, KEEPER)
    await story.accept("gate-1-mobile")
    story.silent.add("gate-1-mobile")
    story.clock.advance(READER_SILENCE_S)
    await drawn(story, facility_id, 100_000)
    story.clock.advance(1)
    with pytest.raises(Conflict, match=UNWATCHED) as refused:
        await proposed(story, facility_id)
    assert refused.value.facts["mount_ids"] == ["gate-1-reader"]


async def test_no_pledge_is_given_back_while_the_gate_is_blind_and_money_is_owed_on_what_stays(
    story: Story, facility_id: str
) -> None:
    more = await story.pledged(await story.receive(2), facility_id)
    loan_id = await drawn(story, facility_id, 100_000)
    release = ReleasePledge(pledge_id=await pledge_of(story, more))
    story.silent.add("gate-1-reader")
    story.clock.advance(READER_SILENCE_S + 1)
    with pytest.raises(Conflict, match=UNWATCHED):
        await story.do(release, BANK)
    await story.do(RepayLoan(loan_id=loan_id, amount_fen=100_000), BANK)
    await story.do(release, BANK)


async def test_a_forklift_that_is_out_of_service_leaves_the_gate_watched(
    story: Story, facility_id: str
) -> None:
    await story.do(RetireDevice(device_id="forklift-1"), KEEPER)
    await drawn(story, facility_id, 100_000)


async def test_no_money_is_drawn_while_the_gates_reader_says_that_it_cannot_measure(
    story: Story, facility_id: str
) -> None:
    await drawn(story, facility_id, 100_000)
    await story.tx.run("UPDATE devices.device_state SET state = 'fault' WHERE device_id = 'gate-1-reader'")
    with pytest.raises(Conflict, match=UNWATCHED) as refused:
        await proposed(story, facility_id)
    assert refused.value.facts["mount_ids"] == ["gate-1-reader"]


async def test_a_lane_whose_scale_was_taken_out_of_the_layout_is_unwatched(story: Story) -> None:
    lot, facility_id = await story.receive(), await story.facility()
    await story.do(RetireDevice(device_id="weighbridge-1"), KEEPER)
    mounts = [mount for mount in LAYOUT.mounts if mount.mount_id != "weighbridge-1"]
    await story.do(
        ImportLayout(layout=msgspec.structs.replace(LAYOUT, mounts=mounts), keeper_party_id=KEEPER), KEEPER
    )
    with pytest.raises(Conflict, match=UNWATCHED) as refused:
        await story.pledged(lot, facility_id)
    assert refused.value.facts["mount_ids"] == [LAYOUT.gates[0].lane_weighbridge_id]
