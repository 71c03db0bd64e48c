"""The codec, a real broker and the simulated reader."""

import shutil

import pytest

from devices.drivers.zebra_json.codec import decode
from devices.transport.manual_ack import BrokerLogin
from kernel.clock import ManualClock
from kernel.messages import BeamState, DeviceStatus, TagRead
from simulators.protocols.publisher import Login
from simulators.protocols.zebra_json.server import ZebraReader
from tests.contract.broker import SITE, Journal, consuming, foreign_publish, reading_as
from tests.contract.zebra_json.test_golden_messages import CUSTOM

READ = reading_as(decode, {}, antennas=[1, 2], beam_inputs=[1])
EPC = "3074257BF7194E4000001A85"


@pytest.mark.parametrize("batch", [1, 4])
async def test_tags_arrive_counted_one_by_one_or_in_batches(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock, batch: int
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        ZebraReader(gateway_login, SITE, "gateway", clock, batch=batch) as reader,
    ):
        for antenna in (1, 2, 1, 2):
            reader.hear(EPC, antenna, -62, clock.now(), reads=3)
        await kept.until(kept=4)
    assert [item.reading for item in kept.observations] == [
        TagRead(epc_hex=EPC, antenna=antenna, rssi_cdbm=-6200, seen_count=3, event_number=number)
        for number, antenna in enumerate((1, 2, 1, 2), start=1)
    ]


async def test_heartbeats_and_beams_are_told(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        ZebraReader(gateway_login, SITE, "gateway", clock) as reader,
    ):
        reader.beat([1, 2, 3])
        reader.set_input(1, is_high=True)
        reader.set_input(4, is_high=True)
        reader.beat([1])
        reader.beat([1, 2], is_active=False)
        await kept.until(kept=4)
    assert [item.reading for item in kept.observations] == [
        DeviceStatus(state="online"),
        BeamState(beam=1, is_broken=True),
        DeviceStatus(state="fault", reason="antenna 2 disconnected"),
        DeviceStatus(state="fault", reason="inventory inactive"),
    ]


async def test_a_malformed_message_is_kept_and_stops_nothing(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        ZebraReader(gateway_login, SITE, "gateway", clock) as reader,
    ):
        reader.send_raw(b'{"data":')
        reader.hear(EPC, 1, -62, clock.now())
        await kept.until(kept=2)
    assert [(item.field, item.raw) for item in kept.rejected] == [("message", b'{"data":')]
    assert len(kept.observations) == 1


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed")
async def test_a_foreign_client_with_a_readers_own_event_is_understood(
    product_login: BrokerLogin, kept: Journal, clock: ManualClock
) -> None:
    async with consuming(product_login, kept, clock, READ):
        await foreign_publish(product_login, "gateway", "vendor/tags", CUSTOM)
        await kept.until(kept=1)
    [tag] = kept.observations
    assert (tag.reading.epc_hex, tag.reading.event_number) == ("E2806894000040017790E471", 4828)
