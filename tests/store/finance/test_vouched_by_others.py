"""What was heard while other banks alone vouched for a device is no evidence for a bank later either."""

from datetime import timedelta

import msgspec
import pytest

import twin.api
from devices.messages import DistrustDevice, EnrolDevice, RetireDevice
from finance.messages import PledgeReceipt, ProposeDrawdown, ProposeThaw, ReleasePledge
from finance.standing.views import facility_detail
from kernel.errors import Conflict
from kernel.messages import DevicePlaced, Observation, TagRead
from tests.store.finance.conftest import (
    BANK,
    DEVICES,
    KEEPER,
    LAYOUT,
    OTHER_BANK,
    OWNER,
    PALLET_G,
    SECRET,
    TRUCK_G,
    Lot,
    Pallet,
    Story,
)
from tests.store.finance.test_lending import drawn, due, pledge_of
from twin.messages import ImportLayout

OF_OTHERS = r"facility\.goods_vouched_by_others"
SEE_AGAIN = r"facility\.goods_to_be_seen_again"
SECOND_READER = "gate-1-reader-2"
AHEAD_S = 300
"""By how much a device's clock may be ahead of ours."""


async def others_vouch(story: Story, *device_ids: str) -> None:
    """The keeper enrols devices anew, and the other bank alone accepts them."""
    for device_id in device_ids:
        await story.enrol(device_id)
        await story.accept(device_id, OTHER_BANK)


async def own_bank_vouches(story: Story, *device_ids: str) -> None:
    """The keeper enrols the devices anew, and the bank accepts them."""
    for device_id in device_ids:
        await story.enrol(device_id)
        await story.accept(device_id)
    story.clock.advance(AHEAD_S + 1)


async def propose(story: Story, facility_id: str) -> None:
    drawdown = ProposeDrawdown(facility_id=facility_id, amount_fen=100_000, maturity_on=due(story))
    await story.do(drawdown, BANK, "officer-a")


async def pledged(story: Story) -> tuple[Lot, str]:
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    return lot, facility_id


@pytest.mark.parametrize("cause", ["distrusted", "enrolled"])
async def test_a_delivery_that_others_alone_vouched_for_is_not_pledged_once_the_bank_accepts_the_devices(
    story: Story, cause: str
) -> None:
    facility_id = await story.facility()
    await others_vouch(story, *DEVICES)
    began_at = story.clock.now()
    lot = await story.receive()
    ended_at = story.clock.now()
    for device_id in DEVICES:
        if cause == "distrusted":
            await story.do(DistrustDevice(device_id=device_id, reason="Done"), OTHER_BANK)
        else:
            await story.enrol(device_id)
        await story.accept(device_id)
    story.clock.advance(AHEAD_S + 1)
    receipt_id = await story.receipt(lot)
    pledge = PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id)
    with pytest.raises(Conflict, match=SEE_AGAIN) as refused:
        await story.do(pledge, OWNER)
    assert refused.value.facts["unit_ids"] == sorted(lot.unit_ids)
    assert (refused.value.facts["since"], refused.value.facts["until"]) == (
        began_at.isoformat(),
        (ended_at + timedelta(seconds=AHEAD_S)).isoformat(),
    )
    assert OTHER_BANK.title() not in str(refused.value.facts)
    await story.put_down(lot.pallets)
    with pytest.raises(Conflict, match=SEE_AGAIN):
        await story.do(pledge, OWNER)


async def test_a_net_mass_whose_first_weighing_others_alone_vouched_for_pledges_nothing(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    facility_id = await story.facility()
    await others_vouch(story, *DEVICES)
    put_down = story.put_down

    async def the_bank_accepts_and_all_is_seen(pallets: tuple[Pallet, ...]) -> None:
        await own_bank_vouches(story, *DEVICES)
        await story.hear([pallet.epc_hex for pallet in pallets], antenna=2)
        await put_down(pallets)

    monkeypatch.setattr(story, "put_down", the_bank_accepts_and_all_is_seen)
    lot = await story.receive()
    receipt_id = await story.receipt(lot)
    with pytest.raises(Conflict, match=SEE_AGAIN):
        await story.do(PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id), OWNER)


async def test_goods_that_were_there_before_are_lent_on_once_they_are_seen_again(story: Story) -> None:
    lot, facility_id = await pledged(story)
    await others_vouch(story, "gate-1-reader")
    await story.visit()
    await own_bank_vouches(story, "gate-1-reader")
    with pytest.raises(Conflict, match=OF_OTHERS) as refused:
        await propose(story, facility_id)
    assert refused.value.facts["device_id"] == "gate-1-reader"
    assert refused.value.facts["accepted_by"] == [OTHER_BANK.title()]
    assert refused.value.facts["count"] == len(lot.pallets)
    await story.put_down(lot.pallets[1:])
    with pytest.raises(Conflict, match=OF_OTHERS) as refused:
        await propose(story, facility_id)
    assert refused.value.facts["unit_ids"] == [lot.unit_ids[0]]
    await story.put_down(lot.pallets[:1])
    await drawn(story, facility_id, 100_000)


async def test_what_a_clock_ahead_could_have_told_before_the_bank_accepted_is_no_sight_since(
    story: Story,
) -> None:
    lot, facility_id = await pledged(story)
    await others_vouch(story, *DEVICES)
    await story.visit()
    for device_id in DEVICES:
        await story.accept(device_id)
    await story.hear([pallet.epc_hex for pallet in lot.pallets], antenna=2)
    with pytest.raises(Conflict, match=OF_OTHERS):
        await propose(story, facility_id)


async def test_others_alone_vouching_for_a_device_that_was_not_heard_stops_money_only_at_a_gate(
    story: Story,
) -> None:
    lot, facility_id = await pledged(story)
    for device_id in DEVICES:
        story.clock.advance(60)
        await others_vouch(story, device_id)
        story.clock.advance(3600)
        await story.accept(device_id)
        if device_id != "forklift-1":
            with pytest.raises(Conflict, match=r"facility\.goods_unseen_since_acceptance"):
                await drawn(story, facility_id, 100_000)
            story.clock.advance(AHEAD_S)
            await story.put_down(lot.pallets)
        await drawn(story, facility_id, 100_000)


async def test_a_forklift_that_others_alone_vouched_for_puts_only_what_it_carried_in_doubt(
    story: Story,
) -> None:
    _, facility_id = await pledged(story)
    other = await story.receive(3)
    await others_vouch(story, "forklift-1")
    await story.put_down(other.pallets)
    await story.accept("forklift-1")
    story.clock.advance(AHEAD_S + 1)
    await drawn(story, facility_id, 100_000)
    receipt_id = await story.receipt(other)
    pledge = PledgeReceipt(receipt_id=receipt_id, facility_id=facility_id)
    with pytest.raises(Conflict, match=SEE_AGAIN) as refused:
        await story.do(pledge, OWNER)
    assert set(refused.value.facts["unit_ids"]) == set(other.unit_ids)
    await story.put_down(other.pallets)
    await story.do(pledge, OWNER)


async def test_a_forged_return_that_others_alone_vouched_for_neither_thaws_nor_lends(story: Story) -> None:
    lot, facility_id = await pledged(story)
    truck = await story.visit()
    await story.weigh(TRUCK_G)
    await story.drive_out(truck, lot.pallets, TRUCK_G + len(lot.pallets) * PALLET_G)
    await others_vouch(story, *DEVICES)
    story.clock.advance(600)
    await story.drive_in(truck, lot.pallets)
    await story.put_down(lot.pallets)
    await story.drive_out(truck, (), TRUCK_G)
    forged = {item for unit in (await story.verified(lot)).units for item in unit.evidence_ids.values()}
    await own_bank_vouches(story, *DEVICES)
    shown = await story.read(BANK, lambda read: facility_detail(read, facility_id), "officer")
    assert (shown.state, shown.thaw_evidence) == ("frozen", [])
    position = next(name for name in sorted(forged) if name.startswith("forklift-1"))
    with pytest.raises(Conflict, match=r"thaw\.evidence_of_others") as refused:
        await story.do(
            ProposeThaw(facility_id=facility_id, reason="Back", evidence_ids=(position,)), BANK, "officer-a"
        )
    assert refused.value.facts["evidence_ids"] == [position]
    assert refused.value.facts["device_ids"] == ["forklift-1"]


async def a_second_reader(story: Story) -> None:
    """The keeper hangs a second reader at the gate; the other bank alone accepts it."""
    [first] = [mount for mount in LAYOUT.mounts if mount.mount_id == "gate-1-reader"]
    mounts = [*LAYOUT.mounts, msgspec.structs.replace(first, mount_id=SECOND_READER)]
    await story.do(
        ImportLayout(layout=msgspec.structs.replace(LAYOUT, mounts=mounts), keeper_party_id=KEEPER), KEEPER
    )
    enrol = EnrolDevice(
        site_id=story.site_id,
        device_id=SECOND_READER,
        family="llrp",
        mount_id=SECOND_READER,
        connection={"host": "127.0.0.1"},
        secret=SECRET,
    )
    await story.do(enrol, KEEPER)
    placed = DevicePlaced(
        site_id=story.site_id,
        device_id=SECOND_READER,
        family="llrp",
        mount_id=SECOND_READER,
        placed_at=story.clock.now(),
    )
    await story.tell(placed)
    await story.accept(SECOND_READER, OTHER_BANK)


async def say_inside(story: Story, lot: Lot, seconds: int) -> None:
    """The second reader says, three times a second from now on, that it hears the pallets inside."""
    start = story.clock.now()
    moments = [start + timedelta(seconds=third / 3) for third in range(3 * seconds)]
    heard = [(moment, pallet.epc_hex) for moment in moments for pallet in lot.pallets]
    fold = await story.as_("product", "product:fold")
    observations = [
        Observation(
            device_id=SECOND_READER,
            boot=1,
            sequence=number,
            observed_at=moment,
            reading=TagRead(epc_hex=epc_hex, antenna=2, rssi_cdbm=-4_500, seen_count=2),
        )
        for number, (moment, epc_hex) in enumerate(heard, start=1)
    ]
    await twin.api.apply(fold, [story._envelope(observation) for observation in observations])


async def test_a_theft_that_a_reader_of_others_alone_hid_is_not_lent_on_once_that_reader_is_retired(
    story: Story,
) -> None:
    lot, facility_id = await pledged(story)
    await a_second_reader(story)
    truck = await story.visit()
    await story.weigh(TRUCK_G)
    story.clock.advance(1200)
    await say_inside(story, lot, 70)
    tags = [truck, *(pallet.epc_hex for pallet in lot.pallets)]
    await story.hear(tags, antenna=2)
    await story.weigh(TRUCK_G + len(lot.pallets) * PALLET_G)
    await story.hear(tags, antenna=1)
    story.clock.advance(120)
    await story.do(RetireDevice(device_id=SECOND_READER), KEEPER)
    with pytest.raises(Conflict, match="gates_in_use"):
        await story.do(ImportLayout(layout=LAYOUT, keeper_party_id=KEEPER), KEEPER)
    for unit in (await story.verified(lot)).units:
        assert unit.modalities, "the twin believes the reader that a bank accepted"
    with pytest.raises(Conflict, match="gate_unwatched") as refused:
        await propose(story, facility_id)
    assert refused.value.facts["mount_ids"] == ["gate-1-reader-2"]


async def test_while_anything_is_owed_no_pledge_is_released_for_goods_that_others_alone_vouched_for(
    story: Story,
) -> None:
    lot, facility_id = await pledged(story)
    more = await story.receive()
    receipt_id = await story.pledged(more, facility_id)
    await drawn(story, facility_id, 100_000)
    await others_vouch(story, "gate-1-reader")
    await story.visit()
    await own_bank_vouches(story, "gate-1-reader")
    release = ReleasePledge(pledge_id=await pledge_of(story, receipt_id))
    with pytest.raises(Conflict, match=OF_OTHERS):
        await story.do(release, BANK, "officer-a")
    await story.put_down(lot.pallets)
    await story.do(release, BANK, "officer-a")
