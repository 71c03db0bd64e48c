"""The codec, a real broker and the simulated network server."""

import shutil

import pytest

from devices.drivers.chirpstack.codec import decode
from devices.transport.manual_ack import BrokerLogin
from kernel.clock import ManualClock
from kernel.geometry import Point
from kernel.messages import DeviceStatus, Environment, GatewayHeard, PositionReading, UplinkHeard
from kernel.rng import Rng
from simulators.protocols.chirpstack.frames import Heard
from simulators.protocols.chirpstack.server import NetworkServer
from simulators.protocols.publisher import Login
from tests.contract.broker import SITE, Journal, consuming, foreign_publish, reading_as
from tests.contract.chirpstack.events import UP
from tests.contract.chirpstack.test_golden_events import NODES, channel_of

EUI = "0101010101010101"
READ = reading_as(decode, NODES)


async def test_what_a_node_says_arrives_as_its_own_readings(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock, rng: Rng
) -> None:
    gateways = (Heard("0016c001f153a14c", -97, 6.5), Heard("0016c001f153a14d", -113, -9.25))
    async with (
        consuming(product_login, kept, clock, READ),
        NetworkServer(gateway_login, SITE, "gateway", clock, rng) as server,
    ):
        address = server.join(EUI)
        server.uplink(EUI, {"temperature": -18.25, "latitude": 29.7, "longitude": 115.9}, gateways)
        server.status(EUI, 12, 97.6)
        server.complain(EUI, "UPLINK_F_CNT_RESET", "Frame-counter reset detected")
        await kept.until(kept=6)
    assert {item.device_id for item in kept.observations} == {"cold-store-1"}
    assert sorted((item.reading for item in kept.observations), key=repr) == sorted(
        [
            DeviceStatus(state="online", reason=f"joined the network as {address}"),
            UplinkHeard(
                counter=0,
                heard=(
                    GatewayHeard(gateway="0016c001f153a14c", rssi_cdbm=-9700, snr_cdb=650),
                    GatewayHeard(gateway="0016c001f153a14d", rssi_cdbm=-11300, snr_cdb=-925),
                ),
            ),
            PositionReading(point=Point(115.9, 29.7, 0.0), frame="wgs84", sigma_m=5.0, fix="single"),
            Environment(temperature_mc=-18250),
            DeviceStatus(state="online", reason="battery 97.6 %, link margin 12 dB"),
            DeviceStatus(state="fault", reason="UPLINK_F_CNT_RESET: Frame-counter reset detected"),
        ],
        key=repr,
    )


async def test_an_event_delivered_twice_is_kept_once_and_a_new_session_is_not_the_old_one(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock, rng: Rng
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        NetworkServer(gateway_login, SITE, "gateway", clock, rng) as server,
    ):
        server.join(EUI)
        server.uplink(EUI, None)
        server.repeat()
        server.join(EUI)
        server.uplink(EUI, None)
        await kept.until(arrived=5)
    heard = [item for item in kept.observations if isinstance(item.reading, UplinkHeard)]
    assert [item.reading.counter for item in heard] == [0, 0]


async def test_a_malformed_event_is_kept_and_stops_nothing(
    product_login: BrokerLogin, gateway_login: Login, kept: Journal, clock: ManualClock, rng: Rng
) -> None:
    async with (
        consuming(product_login, kept, clock, READ),
        NetworkServer(gateway_login, SITE, "gateway", clock, rng) as server,
    ):
        server.join("0303030303030303")
        server.join(EUI)
        await kept.until(kept=2)
    assert [(item.device_id, item.field) for item in kept.rejected] == [("gateway", "deviceInfo.devEui")]
    assert len(kept.observations) == 1


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed")
async def test_a_foreign_client_with_the_documented_example_is_understood(
    product_login: BrokerLogin, kept: Journal, clock: ManualClock
) -> None:
    async with consuming(product_login, kept, clock, READ):
        await foreign_publish(product_login, "gateway", channel_of("up"), UP)
        await kept.until(kept=1)
    [heard] = kept.observations
    assert heard.device_id == "cold-store-1"
    assert isinstance(heard.reading, UplinkHeard)
