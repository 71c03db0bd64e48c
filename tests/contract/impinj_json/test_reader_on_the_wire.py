"""The codec, a real broker and the simulated reader."""

import shutil
from datetime import timedelta
from typing import Literal

import pytest

from devices.drivers.impinj_json.codec import decode
from devices.transport.manual_ack import BrokerLogin
from kernel.clock import ManualClock
from kernel.messages import BeamState, DeviceStatus, TagRead
from simulators.protocols.impinj_json.server import ImpinjReader
from simulators.protocols.publisher import Login
from tests.contract.broker import SITE, Journal, consuming, foreign_publish, reading_as
from tests.contract.impinj_json.test_golden_messages import SEEN_AT, TAG

READ = reading_as(decode, {}, beam_inputs=[1])
EPC = "3074257BF7194E4000001A85"


@pytest.mark.parametrize("epc_as", ["hex", "base64url", "both"])
async def test_tags_arrive_with_the_time_they_were_heard(
    product_login: BrokerLogin,
    gateway_login: Login,
    kept: Journal,
    clock: ManualClock,
    epc_as: Literal["hex", "base64url", "both"],
) -> None:
    heard_at = clock.now() - timedelta(seconds=40)
    async with (
        consuming(product_login, kept, clock, READ),
        ImpinjReader(gateway_login, SITE, "gateway", clock, epc_as=epc_as) as reader,
    ):
        for antenna in (1, 2):
            reader.hear(EPC, antenna, -6250, heard_at, tid_hex="E2801170200014CD9B5A08EC")
        await kept.until(kept=2)
    assert [item.observed_at for item in kept.observations] == [heard_at, heard_at]
    assert [item.reading for item in kept.observations] == [
        TagRead(epc_hex=EPC, antenna=antenna, rssi_cdbm=-6250, tid_hex="E2801170200014CD9B5A08EC")
        for antenna in (1, 2)
    ]


async def test_what_the_reader_purged_is_a_stated_gap(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    first, last = clock.now() - timedelta(minutes=5), clock.now() - timedelta(minutes=1)
    async with (
        consuming(product_login, kept, clock, READ),
        ImpinjReader(gateway_login, SITE, "gateway", clock) as reader,
    ):
        reader.purge(first, last, 321)
        await kept.until(kept=1)
    [gap] = kept.observations
    assert gap.reading == DeviceStatus(
        state="gap", reason="the reader's buffer overflowed and 321 events were lost", gap_s=240.0
    )


async def test_the_readers_last_will_says_that_it_is_gone(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        ImpinjReader(gateway_login, SITE, "gateway", clock) as reader,
    ):
        reader.leave()
        reader.come_back()
        await kept.until(kept=2)
    assert [item.reading.state for item in kept.observations] == ["offline", "online"]


async def test_beams_antennas_and_inventory_are_told(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        ImpinjReader(gateway_login, SITE, "gateway", clock) as reader,
    ):
        reader.set_inventory("running")
        reader.set_input(1, is_high=True)
        reader.set_input(2, is_high=True)
        reader.set_antenna(2, is_connected=False)
        reader.set_inventory("idle")
        await kept.until(kept=4)
    assert [item.reading for item in kept.observations] == [
        DeviceStatus(state="online", reason="inventory running"),
        BeamState(beam=1, is_broken=True),
        DeviceStatus(state="fault", reason="antenna 2 disconnected"),
        DeviceStatus(state="fault", reason="inventory idle"),
    ]


async def test_a_malformed_message_is_kept_and_stops_nothing(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        ImpinjReader(gateway_login, SITE, "gateway", clock) as reader,
    ):
        reader.send_raw(b'{"eventType":')
        reader.hear(EPC, 1, -6250, clock.now())
        await kept.until(kept=2)
    assert [(item.field, item.raw) for item in kept.rejected] == [("message", b'{"eventType":')]
    assert len(kept.observations) == 1


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed")
async def test_a_foreign_client_with_a_readers_own_event_is_understood(
    product_login: BrokerLogin, kept: Journal, clock: ManualClock
) -> None:
    async with consuming(product_login, kept, clock, READ):
        await foreign_publish(product_login, "gateway", "vendor/events", TAG)
        await kept.until(kept=1)
    [tag] = kept.observations
    assert (tag.observed_at, tag.reading.epc_hex) == (SEEN_AT, "7EDA9038051002710002C0AE")
