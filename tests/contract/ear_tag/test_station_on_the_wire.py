"""The codec, a real broker and the simulated base station with its tags."""

import base64
import json
import shutil

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from devices.drivers.ear_tag.codec import decode
from devices.transport.manual_ack import BrokerLogin
from kernel.clock import ManualClock
from kernel.messages import AnimalBeacon, Observation, Rejected, StationBeat
from kernel.secrets import fingerprint
from simulators.protocols.ear_tag.frames import Burst, Motion, Tag, iso_number
from simulators.protocols.ear_tag.server import BaseStation
from simulators.protocols.publisher import Login
from tests.contract.broker import SITE, Journal, consuming, foreign_publish, reading_as
from tests.contract.wire import WITHIN_S

HERD_KEY = bytes(range(32))
READ = reading_as(decode, herd_key=HERD_KEY)


async def test_tags_and_the_station_itself_are_heard_and_acknowledged(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    tag = Tag(HERD_KEY, iso_number(156, 12345678), counter=41)
    chinese = Tag(HERD_KEY, 215250212345678, is_chinese=True)
    async with (
        consuming(product_login, kept, clock, READ),
        BaseStation(gateway_login, SITE, "gateway", clock, boot=201) as station,
    ):
        burst = Burst(5, [(-48, 1032, 32), (0, 1033, 0)])
        station.hear(tag.beacon(temperature_c=38.5, motion=Motion(26, 300), burst=burst), -87.25)
        chinese.is_opened = True
        station.hear(chinese.beacon(temperature_c=-3.2))
        clock.advance(300)
        station.beat()
        await station.settled(WITHIN_S)
    assert kept.kept["gateway:201:1"].reading == AnimalBeacon(
        animal_id="156000012345678",
        id_scheme="iso11784",
        counter=42,
        key_id=fingerprint(HERD_KEY),
        rssi_cdbm=-8725,
        temperature_mc=38_500,
        motion_mg=26,
        lying_permille=300,
        burst_hz=5,
        burst_mg=((-48, 1032, 32), (0, 1033, 0)),
        battery_mv=3000,
    )
    opened = kept.kept["gateway:201:2"].reading
    assert (opened.animal_id, opened.id_scheme) == ("215250212345678", "china")
    assert (opened.temperature_mc, opened.is_opened) == (-3_200, True)
    assert kept.kept["gateway:201:3"].reading == StationBeat(uptime_s=300, heard_count=2, battery_mv=12_600)


async def test_a_forged_frame_is_set_aside_and_the_rest_goes_on(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    forger = Tag(bytes(32), iso_number(156, 1))
    tag = Tag(HERD_KEY, iso_number(156, 1))
    async with (
        consuming(product_login, kept, clock, READ),
        BaseStation(gateway_login, SITE, "gateway", clock, boot=202) as station,
    ):
        station.hear(forger.beacon())
        station.hear(tag.beacon())
        await kept.until(kept=2)
    [rejected] = kept.rejected
    assert (rejected.device_id, rejected.field, rejected.boot, rejected.sequence) == (
        "gateway",
        "frame.mac",
        202,
        1,
    )
    assert [item.observation_id for item in kept.observations] == ["gateway:202:2"]


async def test_a_station_whose_line_was_cut_brings_what_it_heard_with_the_first_times(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    tag = Tag(HERD_KEY, iso_number(156, 1))
    async with BaseStation(gateway_login, SITE, "gateway", clock, boot=203, resend_after_s=0.2) as station:
        for _ in range(5):
            station.hear(tag.beacon())
            clock.advance(300)
        async with consuming(product_login, kept, clock, READ):
            await station.settled(WITHIN_S)
    ages = [(clock.now() - item.observed_at).total_seconds() for item in kept.observations]
    assert sorted(ages) == [300, 600, 900, 1200, 1500]


async def test_reports_wait_at_the_station_for_the_herds_key(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    tag = Tag(HERD_KEY, iso_number(156, 1))
    async with BaseStation(gateway_login, SITE, "gateway", clock, boot=204, resend_after_s=0.2) as station:
        async with consuming(product_login, kept, clock, reading_as(decode, herd_key=None)):
            station.hear(tag.beacon())
            await kept.until(arrived=1)
        assert station.pending_count == 1
        async with consuming(product_login, kept, clock, READ):
            await station.settled(WITHIN_S)
    assert isinstance(kept.kept["gateway:204:1"], Observation)


async def test_a_malformed_report_is_kept_and_stops_nothing(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        BaseStation(gateway_login, SITE, "gateway", clock, boot=205) as station,
    ):
        station.note({"beat": {"uptime_s": "long"}})
        station.beat()
        await kept.until(kept=2)
    assert [item.field for item in kept.kept.values() if isinstance(item, Rejected)] == ["beat.uptime_s"]
    assert len(kept.observations) == 1


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed")
async def test_a_frame_that_openssl_signed_and_a_foreign_client_brought_is_understood(
    product_login: BrokerLogin, kept: Journal, clock: ManualClock
) -> None:
    number = iso_number(999, 123456789012).to_bytes(8, "big")
    said = b"\x01\x00" + number + (7).to_bytes(4, "big") + (3000).to_bytes(2, "big")
    signing = HMAC(HKDFExpand(SHA256(), 32, b"tallyhouse-tag-1\x00" + number).derive(HERD_KEY), SHA256())
    signing.update(said)
    frame = base64.b64encode(said + signing.finalize()[:8]).decode()
    report = {"boot": 206, "sequence": 1, "observed_at": "2026-11-23T05:55:30Z", "rssi_dbm": -90}
    async with consuming(product_login, kept, clock, READ):
        await foreign_publish(
            product_login, "gateway", "observation", json.dumps({**report, "frame": frame}).encode()
        )
        await kept.until(kept=1)
    [beacon] = kept.observations
    assert (beacon.reading.animal_id, beacon.reading.counter) == ("999123456789012", 7)
