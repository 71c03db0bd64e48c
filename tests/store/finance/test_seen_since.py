"""After something may have left unseen, money moves again only on goods that were seen since."""

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from devices.messages import CLOCK_AHEAD_MAX, EnrolDevice, RetireDevice
from finance.messages import PledgeReceipt, ReleasePledge
from kernel.errors import Conflict
from kernel.layout import Layout
from tests.store.finance.conftest import BANK, KEEPER, LAYOUT, OTHER_BANK, OWNER, SECRET, Lot, Story
from tests.store.finance.test_lending import drawn, pledge_of
from tests.store.finance.test_watched_gates import READER_SILENCE_S, proposed
from twin.messages import ImportLayout

CLOCK_AHEAD_S = CLOCK_AHEAD_MAX.seconds


@pytest.fixture
async def lot(story: Story) -> Lot:
    return await story.receive()


@pytest.fixture
async def facility_id(story: Story, lot: Lot) -> str:
    """A facility with twelve pledged pallets."""
    opened = await story.facility()
    await story.pledged(lot, opened)
    return opened


async def silent_for(story: Story, device_id: str, seconds: int) -> None:
    """A device says nothing for a while, and then it does again."""
    story.silent.add(device_id)
    await story._say_alive()
    story.clock.advance(seconds)
    await story._say_alive()
    story.silent.clear()
    await story._say_alive()


async def refusal(story: Story, facility_id: str) -> tuple[str, Mapping[str, Any]]:
    with pytest.raises(Conflict) as refused:
        await proposed(story, facility_id)
    return refused.value.key, refused.value.facts


@pytest.mark.parametrize("device_id", ["gate-1-reader", "gate-1-barrier", "weighbridge-1"])
async def test_after_a_gate_was_blind_money_moves_once_each_pallet_was_seen_again(
    story: Story, lot: Lot, facility_id: str, device_id: str
) -> None:
    waiting = await proposed(story, facility_id)
    assert waiting
    await silent_for(story, device_id, 4 * 3_600)
    key, facts = await refusal(story, facility_id)
    assert (key, facts["gate_id"], facts["mount_id"]) == (
        "facility.goods_unseen_since_silence",
        "gate-1",
        device_id,
    )
    assert (facts["count"], facts["unit_ids"]) == (12, sorted(lot.unit_ids))
    story.clock.advance(CLOCK_AHEAD_S)
    await story.put_down(lot.pallets[:11])
    _, facts = await refusal(story, facility_id)
    assert facts["unit_ids"] == [lot.unit_ids[11]]
    await story.put_down(lot.pallets[11:])
    await drawn(story, facility_id, 100_000)


async def test_a_short_restart_of_a_gates_reader_is_no_blindness(story: Story, facility_id: str) -> None:
    await silent_for(story, "gate-1-reader", READER_SILENCE_S)
    await drawn(story, facility_id, 100_000)


async def test_a_silent_forklift_blinds_no_gate(story: Story, facility_id: str) -> None:
    await silent_for(story, "forklift-1", 4 * 3_600)
    await drawn(story, facility_id, 100_000)


@pytest.mark.parametrize("retired", [False, True])
async def test_what_may_have_left_while_the_keeper_had_his_own_scale_at_the_gate_is_seen_again(
    story: Story, lot: Lot, facility_id: str, retired: bool
) -> None:
    if retired:
        await story.do(RetireDevice(device_id="weighbridge-1"), KEEPER)
        story.clock.advance(60)
    await story.enrol("weighbridge-1")
    story.clock.advance(60)
    await story.enrol("weighbridge-1")
    await story.accept("weighbridge-1", BANK)
    await story.accept("weighbridge-1", OTHER_BANK)
    key, facts = await refusal(story, facility_id)
    assert (key, facts["mount_id"], facts["count"]) == (
        "facility.goods_unseen_since_acceptance",
        "weighbridge-1",
        12,
    )
    story.clock.advance(CLOCK_AHEAD_S)
    await story.put_down(lot.pallets)
    await drawn(story, facility_id, 100_000)


GATE = LAYOUT.gates[0]
READER = next(mount for mount in LAYOUT.mounts if mount.mount_id == "gate-1-reader")
WITH_SECOND_GATE = replace(LAYOUT, gates=[GATE, replace(GATE, gate_id="gate-2", lane_weighbridge_id=None)])
WITH_SECOND_READER = replace(LAYOUT, mounts=[*LAYOUT.mounts, replace(READER, mount_id="gate-1-reader-2")])


@pytest.mark.parametrize(
    ("wider", "mount_id"), [(WITH_SECOND_GATE, "gate-2"), (WITH_SECOND_READER, "gate-1-reader-2")]
)
async def test_what_a_layout_no_longer_watches_does_not_say_that_nothing_left_there(
    story: Story, wider: Layout, mount_id: str
) -> None:
    """Nobody watched there; nothing was on hold when it was dropped."""
    await story.do(ImportLayout(layout=wider, keeper_party_id=KEEPER), KEEPER)
    lot, opened = await story.receive(), await story.facility()
    receipt_id = await story.receipt(lot)
    story.clock.advance(3_600)
    await story.do(ImportLayout(layout=LAYOUT, keeper_party_id=KEEPER), KEEPER)
    story.clock.advance(CLOCK_AHEAD_S)
    pledge = PledgeReceipt(receipt_id=receipt_id, facility_id=opened)
    with pytest.raises(Conflict, match=r"facility\.goods_unseen_since_layout") as refused:
        await story.do(pledge, OWNER)
    assert (refused.value.facts["mount_id"], refused.value.facts["count"]) == (mount_id, 12)
    await story.put_down(lot.pallets)
    await story.do(pledge, OWNER)
    await drawn(story, opened, 100_000)


async def test_no_layout_takes_one_of_two_readers_from_a_gate_while_goods_are_on_hold(story: Story) -> None:
    await story.do(ImportLayout(layout=WITH_SECOND_READER, keeper_party_id=KEEPER), KEEPER)
    second = EnrolDevice(
        site_id=story.site_id,
        device_id="gate-1-reader-2",
        family="llrp",
        mount_id="gate-1-reader-2",
        connection={"host": "127.0.0.1"},
        secret=SECRET,
    )
    await story.do(second, KEEPER)
    await story.accept("gate-1-reader-2")
    await story.pledged(await story.receive(), await story.facility())
    await story.do(RetireDevice(device_id="gate-1-reader-2"), KEEPER)
    with pytest.raises(Conflict, match=r"layout\.gates_in_use") as refused:
        await story.do(ImportLayout(layout=LAYOUT, keeper_party_id=KEEPER), KEEPER)
    assert refused.value.facts["gate_ids"] == ["gate-1"]


async def test_goods_that_came_after_the_gate_was_blind_are_lent_on(story: Story) -> None:
    await silent_for(story, "gate-1-reader", 4 * 3_600)
    story.clock.advance(CLOCK_AHEAD_S)
    opened = await story.facility()
    await story.pledged(await story.receive(), opened)
    await drawn(story, opened, 100_000)


async def test_goods_that_a_blind_gate_may_have_let_out_are_neither_pledged_nor_left_in_a_releases_stead(
    story: Story, lot: Lot, facility_id: str
) -> None:
    more = await story.pledged(await story.receive(2), facility_id)
    unpledged = await story.receipt(await story.receive(2))
    await drawn(story, facility_id, 100_000)
    await silent_for(story, "gate-1-reader", 4 * 3_600)
    story.clock.advance(CLOCK_AHEAD_S)
    for command, party_id in (
        (PledgeReceipt(receipt_id=unpledged, facility_id=facility_id), OWNER),
        (ReleasePledge(pledge_id=await pledge_of(story, more)), BANK),
    ):
        with pytest.raises(Conflict, match=r"facility\.goods_unseen_since_silence"):
            await story.do(command, party_id)
    await story.put_down(lot.pallets)
    await story.do(ReleasePledge(pledge_id=await pledge_of(story, more)), BANK)
